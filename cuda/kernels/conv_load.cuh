#pragma once
#include "cuda/kernels/conv_async.cuh"
#include "cuda/kernels/conv_layout.cuh"
#include "cuda/kernels/conv_prologue.cuh"
#include "cuda/kernels/conv_window.cuh"

/// One loader for each kind of operand. A loader belongs to a thread: it issues the thread's copies of one
/// stage after the other, `Width` elements each, and remembers which of them were real, as a prologue must
/// leave padding zero.
namespace agon::cuda {

/// Which copies of the last `Stages` - 1 stages were real.
template <int Stages>
struct Landed {
  uint32_t bits[Stages - 1] = {};

  __device__ void push(uint32_t newest) {
    for (int i = Stages - 2; i > 0; --i) bits[i] = bits[i - 1];
    bits[0] = newest;
  }
  __device__ uint32_t oldest() const { return bits[Stages - 2]; }
};

/// The taps and channels that k runs over; a position is (index into the list of active taps, channel).
struct TapCursor {
  int tap, channel;

  __device__ TapCursor(int k, int channels) : tap(k / channels), channel(k % channels) {}
  /// True if the tap changed.
  __device__ bool advance(int step, int channels) {
    channel += step;
    if (channel < channels) return false;
    do {
      channel -= channels;
      ++tap;
    } while (channel >= channels);
    return true;
  }
};

/// What a block prepares once for its loaders.
struct Tables {
  const Row* rows;
  const Tap* taps;
  int tap_count;
};

/// A of forward and input_grad: rows are pixels, k runs over (tap, channel).
template <class T, int Rows, int Threads, int Width, int Stages, bool Fused>
class GatherLoader {
 public:
  using Layout = KMajor<T, Rows>;
  static constexpr int lanes = tile_k<T> / Width, step = Threads / lanes, count = Rows / step;
  static_assert(count >= 1 && count <= 32);

  __device__ GatherLoader(const Problem& p, const Tables& tables, int group, int k)
      : p_(p),
        tables_(tables),
        source_(static_cast<const T*>(p.a) + group * p.a_group),
        row_(static_cast<int>(threadIdx.x) / lanes),
        k_(static_cast<int>(threadIdx.x) % lanes * Width),
        cursor_(k + k_, p.channels) {
    find_pixels();
    if constexpr (Fused) {
      numbers_ = p.a_channel_group * group;
      z_ = static_cast<const T*>(p.a_prologue.z) + group * p.a_group;
      channel_ = p.a_prologue.kind == PrologueKind::none ? 0 : (k + k_) % p.channels % p.a_prologue.channels;
    }
  }

  __device__ void issue(char* tile, char* z_tile) {
    for (int i = 0; i < count; ++i) {
      const bool real = inside_ >> i & 1;
      const int at = real ? offsets_[i] + cursor_.channel : 0;
      const int to = Layout::offset(row_ + i * step, k_);
      copy_async<Width * sizeof(T)>(tile + to, source_ + at, real);
      if constexpr (Fused)
        if (p_.a_prologue.kind == PrologueKind::backward)
          copy_async<Width * sizeof(T)>(z_tile + to, z_ + at, real);
    }
    if constexpr (Fused) landed_.push(inside_);
    if (cursor_.advance(tile_k<T>, p_.channels)) find_pixels();
  }

  /// Keeps step with the stages when there is nothing left to copy.
  __device__ void skip() { landed_.push(0); }

  __device__ void transform(char* tile, char* z_tile) {
    if (p_.a_prologue.kind == PrologueKind::none) return;
    const uint32_t real = landed_.oldest();
    const ChannelNumbers<Width> numbers(p_.a_prologue, numbers_ + channel_);
    for (int i = 0; i < count; ++i) {
      const int at = Layout::offset(row_ + i * step, k_);
      if (real >> i & 1) transform_chunk<T, Width>(p_.a_prologue, numbers, tile + at, z_tile + at);
    }
    const int period = min(p_.channels, p_.a_prologue.channels);
    channel_ += tile_k<T>;
    while (channel_ >= period) channel_ -= period;
  }

 private:
  __device__ void find_pixels() {
    inside_ = 0;
    if (cursor_.tap >= tables_.tap_count) return;
    const Tap tap = tables_.taps[cursor_.tap];
    for (int i = 0; i < count; ++i) {
      const Row row = tables_.rows[row_ + i * step];
      offsets_[i] = row.source + tap.a;
      if (meets(p_, row, tap)) inside_ |= 1u << i;
    }
  }

  const Problem& p_;
  Tables tables_;
  const T* source_;
  const T* z_;
  int row_, k_;
  TapCursor cursor_;
  int offsets_[count];
  uint32_t inside_;
  Landed<Stages> landed_;
  int numbers_, channel_;
};

/// B of forward (w, and a transposed b): rows are n, k runs over (tap, channel).
template <class T, int Rows, int Threads, int Width>
class WeightRowLoader {
 public:
  using Layout = KMajor<T, Rows>;
  static constexpr int lanes = tile_k<T> / Width, step = Threads / lanes, count = Rows / step;

  __device__ WeightRowLoader(const Problem& p, const Tables& tables, int group, int n, int k)
      : p_(p),
        tables_(tables),
        row_(static_cast<int>(threadIdx.x) / lanes),
        k_(static_cast<int>(threadIdx.x) % lanes * Width),
        rows_left_(p.n - n - row_),
        source_(static_cast<const T*>(p.b) + group * p.b_group),
        offset_((n + row_) * p.b_row),
        cursor_(k + k_, p.channels) {}

  __device__ void issue(char* tile) {
    const bool tap_real = cursor_.tap < tables_.tap_count;
    const int at = offset_ + (tap_real ? tables_.taps[cursor_.tap].b : 0) + cursor_.channel;
    for (int i = 0; i < count; ++i) {
      const bool real = tap_real && i * step < rows_left_;
      copy_async<Width * sizeof(T)>(tile + Layout::offset(row_ + i * step, k_),
                                    source_ + (real ? at + i * step * p_.b_row : 0), real);
    }
    cursor_.advance(tile_k<T>, p_.channels);
  }

 private:
  const Problem& p_;
  Tables tables_;
  int row_, k_, rows_left_;
  const T* source_;
  int offset_;
  TapCursor cursor_;
};

/// B of input_grad (w, and a plain b): columns are n, k runs over (tap, channel of y).
template <class T, int Columns, int Threads, int Width>
class WeightColumnLoader {
 public:
  using Layout = RowMajor<T, Columns>;
  static constexpr int lanes = Columns / Width, step = Threads / lanes, count = tile_k<T> / step;
  static_assert(count >= 1);

  __device__ WeightColumnLoader(const Problem& p, const Tables& tables, int group, int n, int k)
      : p_(p),
        tables_(tables),
        k_(static_cast<int>(threadIdx.x) / lanes),
        column_(static_cast<int>(threadIdx.x) % lanes * Width),
        real_(n + column_ < p.n),
        source_(static_cast<const T*>(p.b) + group * p.b_group + (real_ ? n + column_ : 0)),
        cursor_(k + k_, p.channels) {}

  __device__ void issue(char* tile) {
    for (int i = 0; i < count; ++i) {
      const bool real = real_ && cursor_.tap < tables_.tap_count;
      const int at = real ? tables_.taps[cursor_.tap].b + cursor_.channel * p_.b_row : 0;
      copy_async<Width * sizeof(T)>(tile + Layout::offset(column_, k_ + i * step), source_ + at, real);
      cursor_.advance(step, p_.channels);
    }
  }

 private:
  const Problem& p_;
  Tables tables_;
  int k_, column_;
  bool real_;
  const T* source_;
  TapCursor cursor_;
};

/// A of weight_grad (y, and a transposed a): columns are m, k runs over the pixels of y.
template <class T, int Columns, int Threads, int Width, int Stages, bool Fused>
class PixelLoader {
 public:
  using Layout = RowMajor<T, Columns>;
  static constexpr int lanes = Columns / Width, step = Threads / lanes, count = tile_k<T> / step;
  static_assert(count >= 1 && count <= 32);

  __device__ PixelLoader(const Problem& p, const Box& box, int group, int m, int k)
      : p_(p),
        box_(box),
        k_(static_cast<int>(threadIdx.x) / lanes),
        column_(static_cast<int>(threadIdx.x) % lanes * Width),
        real_(m + column_ < p.m),
        cursor_(box, k + k_, step) {
    const int first = (box.low[0] * p.pixels[1] + box.low[1]) * p.pixels[2] + box.low[2];
    const int64_t start =
        group * p.a_group + static_cast<int64_t>(first) * p.a_row + (real_ ? m + column_ : 0);
    source_ = static_cast<const T*>(p.a) + start;
    if constexpr (Fused) {
      z_ = static_cast<const T*>(p.a_prologue.z) + start;
      channel_ = real_ ? p.a_channel_group * group + m + column_ : 0;
      if (p.a_prologue.kind != PrologueKind::none) channel_ %= p.a_prologue.channels;
    }
  }

  __device__ void issue(char* tile, char* z_tile) {
    uint32_t landed = 0;
    for (int i = 0; i < count; ++i) {
      const bool real = real_ && cursor_.image < p_.images;
      const int* c = cursor_.at;
      const int pixel = ((cursor_.image * p_.pixels[0] + c[0]) * p_.pixels[1] + c[1]) * p_.pixels[2] + c[2];
      const int at = real ? pixel * p_.a_row : 0;
      const int to = Layout::offset(column_, k_ + i * step);
      copy_async<Width * sizeof(T)>(tile + to, source_ + at, real);
      if constexpr (Fused)
        if (p_.a_prologue.kind == PrologueKind::backward)
          copy_async<Width * sizeof(T)>(z_tile + to, z_ + at, real);
      landed |= static_cast<uint32_t>(real) << i;
      cursor_.advance(box_);
    }
    if constexpr (Fused) landed_.push(landed);
  }

  /// Keeps step with the stages when there is nothing left to copy.
  __device__ void skip() { landed_.push(0); }

  __device__ void transform(char* tile, char* z_tile) {
    if (p_.a_prologue.kind == PrologueKind::none) return;
    const uint32_t real = landed_.oldest();
    const ChannelNumbers<Width> numbers(p_.a_prologue, channel_);
    for (int i = 0; i < count; ++i) {
      const int at = Layout::offset(column_, k_ + i * step);
      if (real >> i & 1) transform_chunk<T, Width>(p_.a_prologue, numbers, tile + at, z_tile + at);
    }
  }

 private:
  const Problem& p_;
  const Box& box_;
  int k_, column_;
  bool real_;
  const T* source_;
  const T* z_;
  PixelCursor cursor_;
  Landed<Stages> landed_;
  int channel_;
};

/// B of weight_grad (x): columns are n = (tap, channel), k runs over the pixels of y.
template <class T, int Columns, int Threads, int Width, int Stages, bool Fused>
class PatchLoader {
 public:
  using Layout = RowMajor<T, Columns>;
  static constexpr int lanes = Columns / Width, step = Threads / lanes, count = tile_k<T> / step;
  static_assert(count >= 1 && count <= 32);

  __device__ PatchLoader(const Problem& p, const Box& box, int group, int n, int k)
      : p_(p),
        box_(box),
        k_(static_cast<int>(threadIdx.x) / lanes),
        column_(static_cast<int>(threadIdx.x) % lanes * Width),
        real_(n + column_ < p.n),
        cursor_(box, k + k_, step) {
    const int channel = real_ ? (n + column_) % p.channels : 0;
    int tap = real_ ? (n + column_) / p.channels : 0;
    for (int axis = 2; axis >= 0; --axis) {
      offset_[axis] = box.low[axis] * p.stride[axis] - p.pad[axis] + tap % p.kernel[axis] * p.dilation[axis];
      tap /= p.kernel[axis];
    }
    source_ = static_cast<const T*>(p.b) + group * p.b_group + channel;
    if constexpr (Fused) {
      channel_ = p.b_channel_group * group + channel;
      if (p.b_prologue.kind != PrologueKind::none) channel_ %= p.b_prologue.channels;
    }
  }

  __device__ void issue(char* tile) {
    uint32_t landed = 0;
    for (int i = 0; i < count; ++i) {
      bool real = real_ && cursor_.image < p_.images;
      int pixel = cursor_.image;
      for (int axis = 0; axis < 3; ++axis) {
        const int coordinate = cursor_.at[axis] * p_.stride[axis] + offset_[axis];
        real &= static_cast<unsigned>(coordinate) < static_cast<unsigned>(p_.source[axis]);
        pixel = pixel * p_.source[axis] + coordinate;
      }
      const int at = real ? pixel * p_.source_row : 0;
      copy_async<Width * sizeof(T)>(tile + Layout::offset(column_, k_ + i * step), source_ + at, real);
      landed |= static_cast<uint32_t>(real) << i;
      cursor_.advance(box_);
    }
    if constexpr (Fused) landed_.push(landed);
  }

  /// Keeps step with the stages when there is nothing left to copy.
  __device__ void skip() { landed_.push(0); }

  __device__ void transform(char* tile) {
    if (p_.b_prologue.kind == PrologueKind::none) return;
    const uint32_t real = landed_.oldest();
    const ChannelNumbers<Width> numbers(p_.b_prologue, channel_);
    for (int i = 0; i < count; ++i)
      if (real >> i & 1)
        transform_chunk<T, Width>(p_.b_prologue, numbers, tile + Layout::offset(column_, k_ + i * step),
                                  nullptr);
  }

 private:
  const Problem& p_;
  const Box& box_;
  int k_, column_, offset_[3];
  bool real_;
  const T* source_;
  PixelCursor cursor_;
  Landed<Stages> landed_;
  int channel_;
};

}  // namespace agon::cuda
