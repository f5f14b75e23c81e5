// Stands in for cuDNN: the functions that the library's rivals call, by naive kernels in NHWC and KRSC. Its
// algorithms are slow and right; nothing else is asked of it.
#include <cuda_runtime_api.h>

namespace {

struct Tensor {
  int n, c, h, w;
};
struct Conv {
  int pad[2], stride[2], dilation[2], groups = 1;
};
struct Problem {
  Tensor x, y;
  int k[2];
  Conv conv;
};
struct Context {
  cudaStream_t stream = nullptr;
};

/// The x pixel under tap (r, s) of output pixel (p, q), or -1.
__device__ long long pixel_of(const Problem& c, int n, int p, int q, int r, int s) {
  const int h = p * c.conv.stride[0] - c.conv.pad[0] + r * c.conv.dilation[0];
  const int w = q * c.conv.stride[1] - c.conv.pad[1] + s * c.conv.dilation[1];
  if (h < 0 || h >= c.x.h || w < 0 || w >= c.x.w) return -1;
  return (static_cast<long long>(n) * c.x.h + h) * c.x.w + w;
}

/// One thread an element of the result: pass 0 y, 1 x, 2 w.
__global__ void contract(Problem c, int pass, const float* x, const float* w, const float* y, float kept,
                         float* out, long long count) {
  const long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
  if (i >= count) return;
  const int cg = c.x.c / c.conv.groups, kg = c.y.c / c.conv.groups;
  float sum = 0;
  for (int n = 0; n < c.x.n; ++n)
    for (int p = 0; p < c.y.h; ++p)
      for (int q = 0; q < c.y.w; ++q) {
        const long long at_y = (static_cast<long long>(n) * c.y.h + p) * c.y.w + q;
        if (pass == 0 && at_y != i / c.y.c) continue;
        for (int r = 0; r < c.k[0]; ++r)
          for (int s = 0; s < c.k[1]; ++s) {
            const long long at_x = pixel_of(c, n, p, q, r, s);
            if (at_x < 0 || (pass == 1 && at_x != i / c.x.c)) continue;
            const long long tap = r * c.k[1] + s;
            if (pass == 2 && tap != i / cg % (c.k[0] * c.k[1])) continue;
            for (int k = 0; k < c.y.c; ++k) {
              if ((pass == 0 && k != i % c.y.c) || (pass == 2 && k != i / cg / (c.k[0] * c.k[1]))) continue;
              for (int e = 0; e < cg; ++e) {
                const int channel = k / kg * cg + e;
                if ((pass == 1 && channel != i % c.x.c) || (pass == 2 && e != i % cg)) continue;
                const float xv = pass == 1 ? 1 : x[at_x * c.x.c + channel];
                const float wv =
                    pass == 2 ? 1 : w[(static_cast<long long>(k) * c.k[0] * c.k[1] + tap) * cg + e];
                const float yv = pass == 0 ? 1 : y[at_y * c.y.c + k];
                sum += xv * wv * yv;
              }
            }
          }
      }
  out[i] = (kept != 0 ? kept * out[i] : 0) + sum;
}

int run(void* handle, const Problem& c, int pass, const void* x, const void* w, const void* y, float kept,
        void* out) {
  const long long sizes[] = {1LL * c.y.n * c.y.h * c.y.w * c.y.c, 1LL * c.x.n * c.x.h * c.x.w * c.x.c,
                             1LL * c.y.c * c.k[0] * c.k[1] * (c.x.c / c.conv.groups)};
  const long long count = sizes[pass];
  contract<<<static_cast<unsigned>((count + 127) / 128), 128, 0, static_cast<Context*>(handle)->stream>>>(
      c, pass, static_cast<const float*>(x), static_cast<const float*>(w), static_cast<const float*>(y), kept,
      static_cast<float*>(out), count);
  return cudaGetLastError() == cudaSuccess ? 0 : 1;
}

Problem problem_of(void* x, void* w, void* conv, void* y) {
  const auto* filter = static_cast<Tensor*>(w);
  return {
      *static_cast<Tensor*>(x), *static_cast<Tensor*>(y), {filter->h, filter->w}, *static_cast<Conv*>(conv)};
}

template <class T>
int make(void** out) {
  *out = new T{};
  return 0;
}
template <class T>
int drop(void* what) {
  delete static_cast<T*>(what);
  return 0;
}

}  // namespace

extern "C" {

int cudnnCreate(void** handle) {
  return make<Context>(handle);
}
int cudnnDestroy(void* handle) {
  return drop<Context>(handle);
}
int cudnnSetStream(void* handle, cudaStream_t stream) {
  static_cast<Context*>(handle)->stream = stream;
  return 0;
}
size_t cudnnGetVersion() {
  return 90000;
}
int cudnnCreateTensorDescriptor(void** d) {
  return make<Tensor>(d);
}
int cudnnDestroyTensorDescriptor(void* d) {
  return drop<Tensor>(d);
}
int cudnnCreateFilterDescriptor(void** d) {
  return make<Tensor>(d);
}
int cudnnDestroyFilterDescriptor(void* d) {
  return drop<Tensor>(d);
}
int cudnnCreateConvolutionDescriptor(void** d) {
  return make<Conv>(d);
}
int cudnnDestroyConvolutionDescriptor(void* d) {
  return drop<Conv>(d);
}
int cudnnSetTensor4dDescriptor(void* d, int layout, int type, int n, int c, int h, int w) {
  *static_cast<Tensor*>(d) = {n, c, h, w};
  return layout == 1 && type == 0 ? 0 : 9;
}
int cudnnSetFilter4dDescriptor(void* d, int type, int layout, int k, int c, int h, int w) {
  *static_cast<Tensor*>(d) = {k, c, h, w};
  return layout == 1 && type == 0 ? 0 : 9;
}
int cudnnSetConvolution2dDescriptor(void* d, int ph, int pw, int sh, int sw, int dh, int dw, int mode, int) {
  *static_cast<Conv*>(d) = {{ph, pw}, {sh, sw}, {dh, dw}, 1};
  return mode == 1 ? 0 : 9;
}
int cudnnSetConvolutionMathType(void*, int) {
  return 0;
}
int cudnnSetConvolutionGroupCount(void* d, int groups) {
  static_cast<Conv*>(d)->groups = groups;
  return 0;
}
int cudnnGetConvolutionForwardWorkspaceSize(void*, void*, void*, void*, void*, int, size_t* bytes) {
  *bytes = 64;
  return 0;
}
int cudnnGetConvolutionBackwardDataWorkspaceSize(void*, void*, void*, void*, void*, int, size_t* bytes) {
  *bytes = 0;
  return 0;
}
int cudnnGetConvolutionBackwardFilterWorkspaceSize(void*, void*, void*, void*, void*, int, size_t* bytes) {
  *bytes = 128;
  return 0;
}
int cudnnConvolutionForward(void* h, const float*, void* xd, const void* x, void* wd, const void* w, void* c,
                            int, void*, size_t, const float* kept, void* yd, void* y) {
  return run(h, problem_of(xd, wd, c, yd), 0, x, w, nullptr, *kept, y);
}
int cudnnConvolutionBackwardData(void* h, const float*, void* wd, const void* w, void* yd, const void* y,
                                 void* c, int, void*, size_t, const float* kept, void* xd, void* x) {
  return run(h, problem_of(xd, wd, c, yd), 1, nullptr, w, y, *kept, x);
}
int cudnnConvolutionBackwardFilter(void* h, const float*, void* xd, const void* x, void* yd, const void* y,
                                   void* c, int, void*, size_t, const float* kept, void* wd, void* w) {
  return run(h, problem_of(xd, wd, c, yd), 2, x, nullptr, y, *kept, w);
}

}  // extern "C"
