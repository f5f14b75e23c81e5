#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>

#include "cuda/runtime/rivals.h"

namespace agon::cuda {
namespace {

// cuBLAS as far as it is used; opaque handles and enumerations of its second interface.
using Handle = void*;
enum : int { no_transpose = 0, transpose = 1, math_default = 0, math_tf32 = 3 };
constexpr size_t workspace_bytes = size_t{32} << 20;  // what NVIDIA advises for Hopper; others need 4 MiB

struct Cublas {
  int (*create)(Handle*) = nullptr;
  int (*destroy)(Handle) = nullptr;
  int (*set_stream)(Handle, cudaStream_t) = nullptr;
  int (*set_workspace)(Handle, void*, size_t) = nullptr;
  int (*set_math)(Handle, int) = nullptr;
  int (*version)(Handle, int*) = nullptr;
  int (*gemm)(Handle, int, int, int, int, int, const float*, const float*, int, long long, const float*, int,
              long long, const float*, float*, int, long long, int) = nullptr;
  bool loaded = false;

  Cublas() {
    const char* given = std::getenv("AGON_CUBLAS");
    char name[32];
    std::snprintf(name, sizeof name, "libcublas.so.%d", CUDART_VERSION / 1000);
    void* library = ::dlopen(given != nullptr ? given : name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    loaded = true;
    const auto find = [&](auto*& function, const char* symbol) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, symbol));
      loaded = loaded && function != nullptr;
    };
    find(create, "cublasCreate_v2");
    find(destroy, "cublasDestroy_v2");
    find(set_stream, "cublasSetStream_v2");
    find(set_workspace, "cublasSetWorkspace_v2");
    find(set_math, "cublasSetMathMode");
    find(version, "cublasGetVersion_v2");
    find(gemm, "cublasSgemmStridedBatched");
  }
};

const Cublas& cublas() {
  static const Cublas library;
  return library;
}

Handle handle_of(agon_cuda_context* context) {
  if (context->cublas == nullptr && cublas().create(&context->cublas) != 0) context->cublas = nullptr;
  return context->cublas;
}

bool fits(const MatmulArgs& args) {
  return args.math != Math::bf16 && args.a_prologue.kind == PrologueKind::none &&
         args.b_prologue.kind == PrologueKind::none && is_plain(args.epilogue) && args.m > 0 && args.n > 0 &&
         args.k > 0 && args.batch > 0;
}

}  // namespace

int matmul_rivals(agon_cuda_context* context, const MatmulArgs* args, agon_cuda_rival* out, int room) {
  if (room < 1 || !cublas().loaded || !fits(*args) || enter(context) != cudaSuccess) return 0;
  const Handle handle = handle_of(context);
  int version = 0;
  if (handle == nullptr || cublas().version(handle, &version) != 0) return 0;
  *out = {};
  std::snprintf(out->name, sizeof out->name, "cublas %d", version);
  out->workspace_bytes = contraction_counter_bytes + workspace_bytes;
  return 1;
}

/// Row-major y = a b is column-major y' = b' a'. With one stream and a workspace of its own cuBLAS repeats
/// its results bit for bit.
int launch_matmul_rival(agon_cuda_context* context, int, const MatmulArgs* args) {
  if (const cudaError_t error = enter(context); error != cudaSuccess) return report(context, error, "cublas");
  const Handle handle = handle_of(context);
  const Cublas& c = cublas();
  const float one = 1, kept = args->epilogue.accumulate ? 1.0f : 0.0f;
  const auto size = [](int rows, int columns) { return static_cast<long long>(rows) * columns; };
  const bool good = handle != nullptr && c.set_stream(handle, context->compute) == 0 &&
                    c.set_workspace(handle, static_cast<char*>(args->workspace) + contraction_counter_bytes,
                                    workspace_bytes) == 0 &&
                    c.set_math(handle, args->math == Math::tf32 ? math_tf32 : math_default) == 0 &&
                    c.gemm(handle, args->transpose_b ? transpose : no_transpose,
                           args->transpose_a ? transpose : no_transpose, args->n, args->m, args->k, &one,
                           static_cast<const float*>(args->b), args->transpose_b ? args->k : args->n,
                           size(args->k, args->n), static_cast<const float*>(args->a),
                           args->transpose_a ? args->m : args->k, size(args->m, args->k), &kept,
                           static_cast<float*>(args->y), args->n, size(args->m, args->n), args->batch) == 0;
  return report(context, good ? cudaSuccess : cudaErrorNotSupported, "cublas");
}

void drop_cublas(agon_cuda_context* context) {
  if (context->cublas != nullptr) cublas().destroy(context->cublas);
}

}  // namespace agon::cuda
