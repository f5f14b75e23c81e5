#include <memory>
#include <new>

#include "cuda/runtime/calls.h"

namespace agon::cuda {

int make_event(agon_cuda_context* context, int timed, agon_cuda_event** out) {
  *out = nullptr;
  std::unique_ptr<agon_cuda_event> event(new (std::nothrow) agon_cuda_event);
  if (!event) return agon_cuda_out_of_memory;
  cudaError_t error = enter(context);
  if (error == cudaSuccess)
    error = cudaEventCreateWithFlags(&event->event, timed != 0 ? cudaEventDefault : cudaEventDisableTiming);
  if (error == cudaSuccess) *out = event.release();
  return report(context, error, "making an event");
}

void drop_event(agon_cuda_context* context, agon_cuda_event* event) {
  if (event == nullptr) return;
  enter(context);
  cudaEventDestroy(event->event);
  delete event;
}

int record_event(agon_cuda_context* context, agon_cuda_stream stream, agon_cuda_event* event) {
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaEventRecord(event->event, context->stream(stream));
  return report(context, error, "recording an event");
}

int stream_wait(agon_cuda_context* context, agon_cuda_stream stream, agon_cuda_event* event) {
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaStreamWaitEvent(context->stream(stream), event->event, 0);
  return report(context, error, "ordering streams");
}

int host_wait(agon_cuda_context* context, agon_cuda_event* event) {
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaEventSynchronize(event->event);
  return report(context, error, "waiting for the device");
}

int elapsed(agon_cuda_context* context, agon_cuda_event* from, agon_cuda_event* to, float* milliseconds) {
  cudaError_t error = enter(context);
  if (error == cudaSuccess) error = cudaEventElapsedTime(milliseconds, from->event, to->event);
  return report(context, error, "timing");
}

}  // namespace agon::cuda
