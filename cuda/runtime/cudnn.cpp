#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>

#include "cuda/runtime/rivals.h"

namespace agon::cuda {
namespace {

// cuDNN's classic interface, as far as it is used: opaque handles, and enumerations that have not changed
// since version 7.
using Handle = void*;
enum : int {
  data_float = 0,
  layout_nhwc = 1,
  cross_correlation = 1,
  math_tensor_op = 1,
  math_fma = 3,
  forward_precomputed_gemm = 1,
  backward_data_deterministic = 1,
  backward_filter_deterministic = 1,
};

/// The library's functions; all null where it is not installed.
struct Cudnn {
  int (*create)(Handle*) = nullptr;
  int (*destroy)(Handle) = nullptr;
  int (*set_stream)(Handle, cudaStream_t) = nullptr;
  size_t (*version)() = nullptr;
  int (*create_tensor)(Handle*) = nullptr;
  int (*set_tensor)(Handle, int, int, int, int, int, int) = nullptr;
  int (*destroy_tensor)(Handle) = nullptr;
  int (*create_filter)(Handle*) = nullptr;
  int (*set_filter)(Handle, int, int, int, int, int, int) = nullptr;
  int (*destroy_filter)(Handle) = nullptr;
  int (*create_conv)(Handle*) = nullptr;
  int (*set_conv)(Handle, int, int, int, int, int, int, int, int) = nullptr;
  int (*set_math)(Handle, int) = nullptr;
  int (*set_groups)(Handle, int) = nullptr;
  int (*destroy_conv)(Handle) = nullptr;
  int (*forward_workspace)(Handle, Handle, Handle, Handle, Handle, int, size_t*) = nullptr;
  int (*data_workspace)(Handle, Handle, Handle, Handle, Handle, int, size_t*) = nullptr;
  int (*filter_workspace)(Handle, Handle, Handle, Handle, Handle, int, size_t*) = nullptr;
  int (*forward)(Handle, const void*, Handle, const void*, Handle, const void*, Handle, int, void*, size_t,
                 const void*, Handle, void*) = nullptr;
  int (*backward_data)(Handle, const void*, Handle, const void*, Handle, const void*, Handle, int, void*,
                       size_t, const void*, Handle, void*) = nullptr;
  int (*backward_filter)(Handle, const void*, Handle, const void*, Handle, const void*, Handle, int, void*,
                         size_t, const void*, Handle, void*) = nullptr;
  bool loaded = false;

  Cudnn() {
    const char* given = std::getenv("AGON_CUDNN");
    void* library = ::dlopen(given != nullptr ? given : "libcudnn.so.9", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    loaded = true;
    const auto find = [&](auto*& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
      loaded = loaded && function != nullptr;
    };
    find(create, "cudnnCreate");
    find(destroy, "cudnnDestroy");
    find(set_stream, "cudnnSetStream");
    find(version, "cudnnGetVersion");
    find(create_tensor, "cudnnCreateTensorDescriptor");
    find(set_tensor, "cudnnSetTensor4dDescriptor");
    find(destroy_tensor, "cudnnDestroyTensorDescriptor");
    find(create_filter, "cudnnCreateFilterDescriptor");
    find(set_filter, "cudnnSetFilter4dDescriptor");
    find(destroy_filter, "cudnnDestroyFilterDescriptor");
    find(create_conv, "cudnnCreateConvolutionDescriptor");
    find(set_conv, "cudnnSetConvolution2dDescriptor");
    find(set_math, "cudnnSetConvolutionMathType");
    find(set_groups, "cudnnSetConvolutionGroupCount");
    find(destroy_conv, "cudnnDestroyConvolutionDescriptor");
    find(forward_workspace, "cudnnGetConvolutionForwardWorkspaceSize");
    find(data_workspace, "cudnnGetConvolutionBackwardDataWorkspaceSize");
    find(filter_workspace, "cudnnGetConvolutionBackwardFilterWorkspaceSize");
    find(forward, "cudnnConvolutionForward");
    find(backward_data, "cudnnConvolutionBackwardData");
    find(backward_filter, "cudnnConvolutionBackwardFilter");
  }
};

const Cudnn& cudnn() {
  static const Cudnn library;
  return library;
}

/// The descriptors of one convolution, for the time of a call.
class Descriptors {
 public:
  explicit Descriptors(const ConvArgs& args) {
    const Cudnn& c = cudnn();
    const ConvShape& s = args.shape;
    good = c.create_tensor(&x) == 0 && c.create_tensor(&y) == 0 && c.create_filter(&w) == 0 &&
           c.create_conv(&conv) == 0 &&
           c.set_tensor(x, layout_nhwc, data_float, s.batch, s.x_channels, s.x[0], s.x[1]) == 0 &&
           c.set_tensor(y, layout_nhwc, data_float, s.batch, s.y_channels, s.y[0], s.y[1]) == 0 &&
           c.set_filter(w, data_float, layout_nhwc, s.y_channels, s.x_channels / s.groups, s.kernel[0],
                        s.kernel[1]) == 0 &&
           c.set_conv(conv, s.pad_lo[0], s.pad_lo[1], s.stride[0], s.stride[1], s.dilation[0], s.dilation[1],
                      cross_correlation, data_float) == 0 &&
           c.set_groups(conv, s.groups) == 0 &&
           c.set_math(conv, args.math == Math::tf32 ? math_tensor_op : math_fma) == 0;
  }
  ~Descriptors() {
    const Cudnn& c = cudnn();
    if (conv != nullptr) c.destroy_conv(conv);
    if (w != nullptr) c.destroy_filter(w);
    for (Handle tensor : {x, y})
      if (tensor != nullptr) c.destroy_tensor(tensor);
  }
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;

  Handle x = nullptr, y = nullptr, w = nullptr, conv = nullptr;
  bool good = false;
};

Handle handle_of(agon_cuda_context* context) {
  if (context->cudnn == nullptr && cudnn().create(&context->cudnn) != 0) context->cudnn = nullptr;
  if (context->cudnn != nullptr) cudnn().set_stream(context->cudnn, context->compute);
  return context->cudnn;
}

/// Two spatial axes, padded alike at both ends, in f32 or tf32, and nothing fused.
bool fits(const ConvArgs& args) {
  const ConvShape& s = args.shape;
  const bool plain = args.math != Math::bf16 && args.x_prologue.kind == PrologueKind::none &&
                     args.y_prologue.kind == PrologueKind::none && is_plain(args.epilogue);
  bool even = s.x[2] == 1 && s.y[2] == 1 && s.kernel[2] == 1;
  for (int axis = 0; axis < 2; ++axis)
    even =
        even &&
        (s.x[axis] + 2 * s.pad_lo[axis] - s.dilation[axis] * (s.kernel[axis] - 1) - 1) / s.stride[axis] + 1 ==
            s.y[axis];
  return plain && even;
}

int workspace_of(Handle handle, const ConvArgs& args, const Descriptors& d, size_t* bytes) {
  const Cudnn& c = cudnn();
  switch (args.op) {
    case ConvOp::forward:
      return c.forward_workspace(handle, d.x, d.w, d.conv, d.y, forward_precomputed_gemm, bytes);
    case ConvOp::input_grad:
      return c.data_workspace(handle, d.w, d.y, d.conv, d.x, backward_data_deterministic, bytes);
    default:
      return c.filter_workspace(handle, d.x, d.y, d.conv, d.w, backward_filter_deterministic, bytes);
  }
}

int launch(Handle handle, const ConvArgs& args, const Descriptors& d, void* scratch, size_t bytes) {
  const Cudnn& c = cudnn();
  const float one = 1, kept = args.epilogue.accumulate ? 1.0f : 0.0f;
  switch (args.op) {
    case ConvOp::forward:
      return c.forward(handle, &one, d.x, args.x, d.w, args.w, d.conv, forward_precomputed_gemm, scratch,
                       bytes, &kept, d.y, args.result);
    case ConvOp::input_grad:
      return c.backward_data(handle, &one, d.w, args.w, d.y, args.y, d.conv, backward_data_deterministic,
                             scratch, bytes, &kept, d.x, args.result);
    default:
      return c.backward_filter(handle, &one, d.x, args.x, d.y, args.y, d.conv, backward_filter_deterministic,
                               scratch, bytes, &kept, d.w, args.result);
  }
}

}  // namespace

int conv_rivals(agon_cuda_context* context, const ConvArgs* args, agon_cuda_rival* out, int room) {
  if (room < 1 || !cudnn().loaded || !fits(*args) || enter(context) != cudaSuccess) return 0;
  const Handle handle = handle_of(context);
  const Descriptors descriptors(*args);
  size_t bytes = 0;
  if (handle == nullptr || !descriptors.good || workspace_of(handle, *args, descriptors, &bytes) != 0)
    return 0;
  *out = {};
  std::snprintf(out->name, sizeof out->name, "cudnn %zu", cudnn().version());
  out->workspace_bytes = contraction_counter_bytes + bytes;
  return 1;
}

int launch_conv_rival(agon_cuda_context* context, int, const ConvArgs* args) {
  if (const cudaError_t error = enter(context); error != cudaSuccess) return report(context, error, "cudnn");
  const Handle handle = handle_of(context);
  const Descriptors descriptors(*args);
  size_t bytes = 0;
  if (handle == nullptr || !descriptors.good || workspace_of(handle, *args, descriptors, &bytes) != 0)
    return report(context, cudaErrorNotSupported, "cudnn");
  void* scratch = static_cast<char*>(args->workspace) + contraction_counter_bytes;
  const int status = launch(handle, *args, descriptors, bytes > 0 ? scratch : nullptr, bytes);
  return report(context, status == 0 ? cudaSuccess : cudaErrorNotSupported, "cudnn");
}

void drop_rivals(agon_cuda_context* context) {
  if (context->cudnn != nullptr) cudnn().destroy(context->cudnn);
  drop_cublas(context);
}

}  // namespace agon::cuda
