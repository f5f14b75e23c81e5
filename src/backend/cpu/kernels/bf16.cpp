#include "backend/cpu/kernels/bf16.h"

#include "agon/graph.h"

#include "backend/cpu/kernels/isa.h"
#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"

#define AGON_ISA_FILE "backend/cpu/kernels/bf16.inc"
#include "backend/cpu/kernels/foreach_isa.h"

namespace agon::cpu {
namespace {

constexpr int64_t grain = 4096;

}  // namespace

void convert_tile(const float* in, int64_t n, bf16* out) {
  AGON_BEST(convert<float, bf16>)(in, n, out);
}

void convert_tile(const bf16* in, int64_t n, float* out) {
  AGON_BEST(convert<bf16, float>)(in, n, out);
}

void convert(const float* in, int64_t n, bf16* out) {
  parallel_ranges(
      n, grain, [&](int64_t begin, int64_t end, int) { convert_tile(in + begin, end - begin, out + begin); });
}

void convert(const bf16* in, int64_t n, float* out) {
  parallel_ranges(
      n, grain, [&](int64_t begin, int64_t end, int) { convert_tile(in + begin, end - begin, out + begin); });
}

}  // namespace agon::cpu
