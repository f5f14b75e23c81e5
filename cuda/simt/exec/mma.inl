// mma.sync: D = A B + C over a warp's registers. Included by foreach_isa.h.
//
// In all shapes a register of A holds, in lane 4g + t, `per` neighbouring elements of row g from column per *
// t on: a row-major tile of 8 rows. The registers of A go down the rows first (two tiles), then along k; B's
// are the same with columns for rows. C's pairs of registers hold two neighbouring columns of row g.
#include "cuda/simt/exec/half.inl"

typedef float Row __attribute__((vector_size(32), aligned(32)));

// The elements of a register's lane, as floats.
struct Tf32Element {
  static constexpr int per = 1;
  AGON_SIMT_INLINE static float get(std::uint32_t a, int) { return float_of(a & 0xffffe000u); }
};
struct Bf16Element {
  static constexpr int per = 2;
  AGON_SIMT_INLINE static float get(std::uint32_t a, int e) {
    return float_of(e ? a & 0xffff0000u : a << 16);
  }
};
struct F16Element {
  static constexpr int per = 2;
  AGON_SIMT_INLINE static float get(std::uint32_t a, int e) { return from_f16(e ? a >> 16 : a & 0xffff); }
};

// The accumulators, row-major.
struct Accumulators {
  alignas(64) float at[16][8];
};
AGON_SIMT_INLINE void load_f32(Warp& w, const std::uint32_t* c, Accumulators& acc) {
  for (int half = 0; half < 2; ++half) {
    const float *even = lanes<float>(w, c[2 * half]), *odd = lanes<float>(w, c[2 * half + 1]);
    float* out = acc.at[8 * half];
    for (int i = 0; i < warp_lanes; ++i) {
      out[2 * i] = even[i];
      out[2 * i + 1] = odd[i];
    }
  }
}
AGON_SIMT_INLINE void store_f32(Warp& w, const std::uint32_t* d, const Accumulators& acc) {
  for (int half = 0; half < 2; ++half) {
    float *even = lanes<float>(w, d[2 * half]), *odd = lanes<float>(w, d[2 * half + 1]);
    const float* in = acc.at[8 * half];
    for (int i = 0; i < warp_lanes; ++i) {
      even[i] = in[2 * i];
      odd[i] = in[2 * i + 1];
    }
  }
}
AGON_SIMT_INLINE void load_f16(Warp& w, const std::uint32_t* c, Accumulators& acc) {
  for (int half = 0; half < 2; ++half) {
    const auto* pair = lanes<std::uint32_t>(w, c[half]);
    float* out = acc.at[8 * half];
    for (int i = 0; i < warp_lanes; ++i) {
      out[2 * i] = from_f16(pair[i] & 0xffff);
      out[2 * i + 1] = from_f16(pair[i] >> 16);
    }
  }
}
AGON_SIMT_INLINE void store_f16(Warp& w, const std::uint32_t* d, const Accumulators& acc) {
  for (int half = 0; half < 2; ++half) {
    auto* pair = lanes<std::uint32_t>(w, d[half]);
    const float* in = acc.at[8 * half];
    for (int i = 0; i < warp_lanes; ++i) pair[i] = to_f16(in[2 * i]) | to_f16(in[2 * i + 1]) << 16;
  }
}

// Adds A B, k upwards or downwards by the seed: the order of a tensor core's sums is its own. The products of
// these formats are exact in f32.
template <class Element, int chunks>
AGON_SIMT_INLINE void multiply(Warp& w, const std::uint32_t* a_list, const std::uint32_t* b_list,
                               Accumulators& acc) {
  constexpr int per = Element::per, width = 4 * per, depth = chunks * width;
  alignas(64) float a[chunks][2][8 * width];
  alignas(64) float b[depth][8];
  for (int chunk = 0; chunk < chunks; ++chunk)
    for (int half = 0; half < 2; ++half) {
      const auto* source = lanes<std::uint32_t>(w, a_list[2 * chunk + half]);
      for (int i = 0; i < warp_lanes; ++i)
        for (int e = 0; e < per; ++e) a[chunk][half][per * i + e] = Element::get(source[i], e);
    }
  for (int chunk = 0; chunk < chunks; ++chunk) {
    const auto* source = lanes<std::uint32_t>(w, b_list[chunk]);
    for (int t = 0; t < 4; ++t)
      for (int e = 0; e < per; ++e)
        for (int g = 0; g < 8; ++g) b[chunk * width + per * t + e][g] = Element::get(source[4 * g + t], e);
  }
  Row rows[16];
  for (int r = 0; r < 16; ++r) std::memcpy(&rows[r], acc.at[r], sizeof(Row));
  const bool downwards = w.worker->run.launch.seed & 1;
  for (int step = 0; step < depth; ++step) {
    const int k = downwards ? depth - 1 - step : step, chunk = k / width, column = k % width;
    Row column_b;
    std::memcpy(&column_b, b[k], sizeof(Row));
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) rows[r] += a[chunk][r / 8][(r % 8) * width + column] * column_b;
  }
  for (int r = 0; r < 16; ++r) std::memcpy(acc.at[r], &rows[r], sizeof(Row));
}

template <class Element, int chunks, bool half_result>
void mma_float(Warp& w, const Step* s, const std::uint32_t*) {
  constexpr int results = half_result ? 2 : 4;
  const std::uint32_t* d = s->list;
  const std::uint32_t* a = d + results;
  const std::uint32_t* b = a + 2 * chunks;
  const std::uint32_t* c = b + chunks;
  Accumulators acc;
  if constexpr (half_result)
    load_f16(w, c, acc);
  else
    load_f32(w, c, acc);
  multiply<Element, chunks>(w, a, b, acc);
  if constexpr (half_result)
    store_f16(w, d, acc);
  else
    store_f32(w, d, acc);
}

template <class A, int chunks>
void mma_integer(Warp& w, const Step* s, const std::uint32_t*) {
  const bool saturate = s->flags & flag_saturate;
  const std::uint32_t* d = s->list;
  const std::uint32_t *a = d + 4, *b = a + 2 * chunks, *c = b + chunks;
  const auto element = [](std::uint32_t value, int e) {
    return std::int32_t{static_cast<A>(value >> (8 * e))};
  };
  std::uint32_t results[4][warp_lanes];
  for (int i = 0; i < warp_lanes; ++i)
    for (int r = 0; r < 4; ++r) {
      const int row = i / 4, half = r / 2, column = 2 * (i % 4) + r % 2;
      std::int64_t sum = lanes<std::int32_t>(w, c[r])[i];
      for (int chunk = 0; chunk < chunks; ++chunk)
        for (int t = 0; t < 4; ++t)
          for (int e = 0; e < 4; ++e)
            sum += element(lanes<std::uint32_t>(w, a[2 * chunk + half])[4 * row + t], e) *
                   element(lanes<std::uint32_t>(w, b[chunk])[4 * column + t], e);
      if (saturate) sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
      results[r][i] = static_cast<std::uint32_t>(sum);
    }
  for (int r = 0; r < 4; ++r) std::memcpy(lanes<std::uint32_t>(w, d[r]), results[r], sizeof results[r]);
}

// m8n8k4 of f64.
void mma_double(Warp& w, const Step* s, const std::uint32_t*) {
  const std::uint32_t* list = s->list;
  double results[2][warp_lanes];
  for (int i = 0; i < warp_lanes; ++i)
    for (int r = 0; r < 2; ++r) {
      double sum = lanes<double>(w, list[4 + r])[i];
      for (int t = 0; t < 4; ++t)
        sum = __builtin_fma(lanes<double>(w, list[2])[4 * (i / 4) + t],
                            lanes<double>(w, list[3])[4 * (2 * (i % 4) + r) + t], sum);
      results[r][i] = sum;
    }
  for (int r = 0; r < 2; ++r) std::memcpy(lanes<double>(w, list[r]), results[r], sizeof results[r]);
}

template <Together act>
const Step* Mma(Warp& w, const Step* s) {
  return collect_warp(w, s, act);
}

Handler find(const Instruction& in) {
  if (in.op != Op::Mma) return nullptr;
  const auto shape = static_cast<MmaShape>(in.modifier);
  const Type to = in.type, from = in.source_type;
  if (shape == MmaShape::m16n8k4 && from == Type::tf32 && to == Type::f32)
    return Mma<mma_float<Tf32Element, 1, false>>;
  if (shape == MmaShape::m16n8k8) {
    if (from == Type::tf32 && to == Type::f32) return Mma<mma_float<Tf32Element, 2, false>>;
    if (from == Type::bf16 && to == Type::f32) return Mma<mma_float<Bf16Element, 1, false>>;
    if (from == Type::f16 && to == Type::f32) return Mma<mma_float<F16Element, 1, false>>;
    if (from == Type::f16 && to == Type::f16) return Mma<mma_float<F16Element, 1, true>>;
  }
  if (shape == MmaShape::m16n8k16) {
    if (from == Type::bf16 && to == Type::f32) return Mma<mma_float<Bf16Element, 2, false>>;
    if (from == Type::f16 && to == Type::f32) return Mma<mma_float<F16Element, 2, false>>;
    if (from == Type::f16 && to == Type::f16) return Mma<mma_float<F16Element, 2, true>>;
    if (from == Type::s8 && to == Type::s32) return Mma<mma_integer<std::int8_t, 1>>;
    if (from == Type::u8 && to == Type::s32) return Mma<mma_integer<std::uint8_t, 1>>;
  }
  if (shape == MmaShape::m16n8k32 && to == Type::s32) {
    if (from == Type::s8) return Mma<mma_integer<std::int8_t, 2>>;
    if (from == Type::u8) return Mma<mma_integer<std::uint8_t, 2>>;
  }
  if (shape == MmaShape::m8n8k4 && to == Type::f64) return Mma<mma_double>;
  return nullptr;
}
