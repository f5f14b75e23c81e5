// Copies and fills.
#include <cstring>

#include "cuda/simt/api/capture.h"
#include "cuda/simt/api/support.h"

using namespace agon::simt;
using namespace agon::simt::api;

namespace {

std::uint64_t as_address(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

enum class Place { device, pinned, pageable };

Place place_of(const Device& device, const void* pointer) {
  const Memory& memory = const_cast<Device&>(device).memory();
  if (const auto found = memory.find(as_address(pointer))) {
    return found->kind == AllocationKind::device ? Place::device : Place::pinned;
  }
  // A device address that is no allocation is refused below; registered host memory counts as pinned.
  if (memory.in_range(as_address(pointer))) return Place::device;
  return memory.valid(as_address(pointer), 1) ? Place::pinned : Place::pageable;
}

// Refuses ranges that leave their allocation, as the runtime does at the call.
void check_range(Device& device, const void* pointer, std::size_t pitch, std::size_t width,
                 std::size_t height) {
  Memory& memory = device.memory();
  if (!memory.in_range(as_address(pointer)) || width == 0 || height == 0) return;
  const std::size_t bytes = (height - 1) * pitch + width;
  if (memory.valid(as_address(pointer), bytes)) return;
  Report report;
  const auto found = memory.find(as_address(pointer));
  const std::string place = memory.describe(as_address(pointer));
  const bool freed = !found && place.find("freed") != std::string::npos;
  report.kind = freed ? FaultKind::use_after_free : FaultKind::out_of_bounds;
  report.address = as_address(pointer);
  report.message = fmt::format("a copy or fill of {} bytes at {}: {}", bytes, pointer, place);
  const std::string message = report.message;
  device.add_refusal(std::move(report));
  refuse(cudaErrorInvalidValue, "{}", message);
}

void check_direction(Place to, Place from, cudaMemcpyKind kind) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  require(kind >= cudaMemcpyHostToHost && kind <= cudaMemcpyDefault, cudaErrorInvalidMemcpyDirection,
          "no such direction: {}", static_cast<int>(kind));
  if (kind == cudaMemcpyDefault) return;
  // Pinned memory is both the host's and the device's.
  require(to == Place::pinned || to_device == (to == Place::device), cudaErrorInvalidValue,
          "the destination is not where the direction says");
  require(from == Place::pinned || from_device == (from == Place::device), cudaErrorInvalidValue,
          "the source is not where the direction says");
}

// `wait`: the host goes on after the copy, as in the calls without Async.
cudaError_t copy(const char* call, CopyWork work, cudaMemcpyKind kind, cudaStream_t handle, bool wait) {
  return enter(call, [&](Device& device) -> cudaError_t {
    Stream& stream = stream_of(device, handle);
    if (work.width == 0 || work.height == 0) return cudaSuccess;
    require(work.to && work.from, cudaErrorInvalidValue, "a null pointer");
    require(work.height == 1 || (work.to_pitch >= work.width && work.from_pitch >= work.width),
            cudaErrorInvalidPitchValue, "rows of {} bytes overlap", work.width);
    const Place to = place_of(device, work.to), from = place_of(device, work.from);
    check_direction(to, from, kind);
    check_range(device, work.to, work.to_pitch, work.width, work.height);
    check_range(device, work.from, work.from_pitch, work.width, work.height);
    if (wait) refuse_during_capture(device, call);
    if (stream.capture) {
      submit(device, stream, std::move(work));
      return cudaSuccess;
    }
    if (from == Place::pageable && to != Place::pageable && !wait) {
      // The runtime takes the data along before it returns.
      auto staged = std::make_shared<std::vector<std::byte>>(work.width * work.height);
      for (std::size_t row = 0; row < work.height; ++row) {
        std::memcpy(staged->data() + row * work.width,
                    static_cast<const std::byte*>(work.from) + row * work.from_pitch, work.width);
      }
      work.staged = std::move(staged);
    }
    // A copy to pageable memory has arrived when the call returns.
    wait = wait || to == Place::pageable;
    submit(device, stream, std::move(work));
    if (!wait) return cudaSuccess;
    device.scheduler().finish(stream.tail);
    return settle(device);
  });
}

cudaError_t fill(const char* call, FillWork work, cudaStream_t handle) {
  return enter(call, [&](Device& device) {
    Stream& stream = stream_of(device, handle);
    if (work.width == 0 || work.height == 0) return;
    require(place_of(device, work.to) != Place::pageable, cudaErrorInvalidValue, "{} is no device memory",
            work.to);
    check_range(device, work.to, work.pitch, work.width * work.element, work.height);
    submit(device, stream, work);
  });
}

CopyWork rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
              std::size_t height) {
  return {to, to_pitch, from, from_pitch, width, height, nullptr};
}

// The part of a symbol that a copy reaches; null where the symbol is not known or too small.
void* inside_symbol(const void* symbol, std::size_t bytes, std::size_t offset) {
  void* start = nullptr;
  std::size_t size = 0;
  if (cudaGetSymbolAddress(&start, symbol) != cudaSuccess || cudaGetSymbolSize(&size, symbol) != cudaSuccess)
    return nullptr;
  return offset <= size && bytes <= size - offset ? static_cast<std::byte*>(start) + offset : nullptr;
}

}  // namespace

AGON_API cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  return copy(__func__, rows(to, bytes, from, bytes, bytes, 1), kind, nullptr, true);
}

AGON_API cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                                     cudaStream_t stream) {
  return copy(__func__, rows(to, bytes, from, bytes, bytes, 1), kind, stream, false);
}

AGON_API cudaError_t cudaMemcpy2D(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                                  size_t width, size_t height, cudaMemcpyKind kind) {
  return copy(__func__, rows(to, to_pitch, from, from_pitch, width, height), kind, nullptr, true);
}

AGON_API cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                                       size_t width, size_t height, cudaMemcpyKind kind,
                                       cudaStream_t stream) {
  return copy(__func__, rows(to, to_pitch, from, from_pitch, width, height), kind, stream, false);
}

AGON_API cudaError_t cudaMemset(void* to, int value, size_t bytes) {
  return fill(__func__, {to, bytes, static_cast<std::uint32_t>(value), 1, bytes, 1}, nullptr);
}

AGON_API cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  return fill(__func__, {to, bytes, static_cast<std::uint32_t>(value), 1, bytes, 1}, stream);
}

AGON_API cudaError_t cudaMemset2D(void* to, size_t pitch, int value, size_t width, size_t height) {
  return fill(__func__, {to, pitch, static_cast<std::uint32_t>(value), 1, width, height}, nullptr);
}

AGON_API cudaError_t cudaMemset2DAsync(void* to, size_t pitch, int value, size_t width, size_t height,
                                       cudaStream_t stream) {
  return fill(__func__, {to, pitch, static_cast<std::uint32_t>(value), 1, width, height}, stream);
}

AGON_API cudaError_t cudaGetSymbolAddress(void** pointer, const void* symbol) {
  return enter(__func__, [&](Device& device) {
    const RegisteredVariable* variable = device.registry().find_variable(symbol);
    require(variable != nullptr, cudaErrorInvalidSymbol, "the symbol is no registered device variable");
    *pointer = reinterpret_cast<void*>(device.address(*variable));
  });
}

AGON_API cudaError_t cudaGetSymbolSize(size_t* bytes, const void* symbol) {
  return enter(__func__, [&](Device& device) {
    const RegisteredVariable* variable = device.registry().find_variable(symbol);
    require(variable != nullptr, cudaErrorInvalidSymbol, "the symbol is no registered device variable");
    *bytes = variable->bytes;
  });
}

AGON_API cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* from, size_t bytes,
                                             size_t offset, cudaMemcpyKind kind, cudaStream_t stream) {
  void* to = inside_symbol(symbol, bytes, offset);
  if (!to) return note(__func__, cudaErrorInvalidSymbol, "no such symbol, or beyond its end");
  return copy(__func__, rows(to, bytes, from, bytes, bytes, 1), kind, stream, false);
}

AGON_API cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* from, size_t bytes, size_t offset,
                                        cudaMemcpyKind kind) {
  void* to = inside_symbol(symbol, bytes, offset);
  if (!to) return note(__func__, cudaErrorInvalidSymbol, "no such symbol, or beyond its end");
  return copy(__func__, rows(to, bytes, from, bytes, bytes, 1), kind, nullptr, true);
}

AGON_API cudaError_t cudaMemcpyFromSymbolAsync(void* to, const void* symbol, size_t bytes, size_t offset,
                                               cudaMemcpyKind kind, cudaStream_t stream) {
  const void* from = inside_symbol(symbol, bytes, offset);
  if (!from) return note(__func__, cudaErrorInvalidSymbol, "no such symbol, or beyond its end");
  return copy(__func__, rows(to, bytes, from, bytes, bytes, 1), kind, stream, false);
}

AGON_API cudaError_t cudaMemcpyFromSymbol(void* to, const void* symbol, size_t bytes, size_t offset,
                                          cudaMemcpyKind kind) {
  const void* from = inside_symbol(symbol, bytes, offset);
  if (!from) return note(__func__, cudaErrorInvalidSymbol, "no such symbol, or beyond its end");
  return copy(__func__, rows(to, bytes, from, bytes, bytes, 1), kind, nullptr, true);
}
