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

/// A of forward and input_grad: rows are pixels, k runs over (tap, channel). `Ahead`: a prologue's numbers
/// are read while the stage in front is multiplied, where the main loop leaves registers for them.
template <class T, int Rows, int Threads, int Width, int Stages, bool Fused, bool Ahead>
class GatherLoader {
 public:
  using Layout = KMajor<T, Rows>;
  static constexpr int lanes = tile_k<T> / Width, step = Threads / lanes, count = Rows / step;
  static_assert(count >= 1 && count <= 32);

  __device__ GatherLoader(const Problem& p, const Tables& tables, int group, int k)
      : p_(p),
        tables_(tables),
        row_(static_cast<int>(threadIdx.x) / lanes),
        k_(static_cast<int>(threadIdx.x) % lanes * Width),
        cursor_(k + k_, p.channels),
        source_(static_cast<const T*>(p.a) + group * p.a_group + cursor_.channel) {
    find_pixels();
    if constexpr (Fused) {
      numbers_at_ = p.a_channel_group * group;
      channel_ = p.a_prologue.kind == PrologueKind::none ? 0 : cursor_.channel % p.a_prologue.channels;
      if constexpr (Ahead) numbers_ = ChannelNumbers<Width>(p.a_prologue, numbers_at_ + channel_);
    }
  }

  __device__ void issue(char* tile, char* z_tile) {
    const uint32_t to = shared_address(tile), z_to = Fused ? shared_address(z_tile) : 0;
    for (int i = 0; i < count; ++i) {
      const bool real = inside_ >> i & 1;
      copy_async<Width * sizeof(T)>(to + chunk(i), source_ + offsets_[i], real);
      if constexpr (Fused)
        if (p_.a_prologue.kind == PrologueKind::backward)
          copy_async<Width * sizeof(T)>(z_to + chunk(i), beside(source_ + offsets_[i]), real);
    }
    if constexpr (Fused) landed_.push(inside_);
    const int before = cursor_.channel;
    const bool next_tap = cursor_.advance(tile_k<T>, p_.channels);
    source_ += cursor_.channel - before;
    if (next_tap) find_pixels();
  }

  /// Keeps step with the stages when there is nothing left to copy.
  __device__ void skip() { landed_.push(0); }

  __device__ void transform(char* tile, char* z_tile) {
    if (p_.a_prologue.kind == PrologueKind::none) return;
    if constexpr (!Ahead) numbers_ = ChannelNumbers<Width>(p_.a_prologue, numbers_at_ + channel_);
    transform_chunks<T, Width, count>(p_.a_prologue, numbers_, landed_.oldest(), tile, z_tile,
                                      [&](int i) { return chunk(i); });
    const int period = min(p_.channels, p_.a_prologue.channels);
    if (period == tile_k<T>) return;
    channel_ += tile_k<T>;
    while (channel_ >= period) channel_ -= period;
    if constexpr (Ahead) numbers_ = ChannelNumbers<Width>(p_.a_prologue, numbers_at_ + channel_);
  }

 private:
  /// Where this thread's i-th copy lands in a tile.
  __device__ int chunk(int i) const { return Layout::template offset<step>(row_, k_, i); }

  /// The element of the prologue's second tensor beside one of the gathered tensor.
  __device__ const T* beside(const T* at) const {
    return static_cast<const T*>(p_.a_prologue.z) + (at - static_cast<const T*>(p_.a));
  }

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
  int row_, k_;
  TapCursor cursor_;
  const T* source_;  ///< the gathered tensor, at the channel of the next copy
  int offsets_[count];
  uint32_t inside_;
  Landed<Stages> landed_;
  int numbers_at_, channel_;
  ChannelNumbers<Width> numbers_;
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
        cursor_(k + k_, p.channels),
        source_(static_cast<const T*>(p.b) + group * p.b_group + (n + row_) * p.b_row + cursor_.channel) {
    find_tap();
  }

  __device__ void issue(char* tile) {
    const uint32_t to = shared_address(tile);
    for (int i = 0; i < count; ++i)
      copy_async<Width * sizeof(T)>(to + Layout::template offset<step>(row_, k_, i),
                                    source_ + (tap_ + i * step * p_.b_row), i * step < rows_left_);
    const int before = cursor_.channel;
    const bool next_tap = cursor_.advance(tile_k<T>, p_.channels);
    source_ += cursor_.channel - before;
    if (next_tap) find_tap();
  }

 private:
  __device__ void find_tap() {
    if (cursor_.tap < tables_.tap_count)
      tap_ = tables_.taps[cursor_.tap].b;
    else
      rows_left_ = 0;
  }

  const Problem& p_;
  Tables tables_;
  int row_, k_, rows_left_;
  TapCursor cursor_;
  const T* source_;  ///< the thread's first row of the window's first tap, at the channel of the next copy
  int tap_ = 0;
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
        at_(kept(Layout::offset(static_cast<int>(threadIdx.x) % lanes * Width,
                                static_cast<int>(threadIdx.x) / lanes))),
        column_(n + static_cast<int>(threadIdx.x) % lanes * Width),
        source_(static_cast<const T*>(p.b) + group * p.b_group + column_),
        cursor_(k + static_cast<int>(threadIdx.x) / lanes, p.channels) {
    find_tap();
  }

  __device__ void issue(char* tile) {
    const uint32_t to = shared_address(tile) + at_;
    if (p_.channels % tile_k<T> == 0) {  // a stage lies within one tap
      for (int i = 0; i < count; ++i)
        copy_async<Width * sizeof(T)>(to + Layout::offset(0, i * step),
                                      source_ + (offset_ + i * step * p_.b_row), real_);
      advance(tile_k<T>);
    } else {
      for (int i = 0; i < count; ++i) {
        copy_async<Width * sizeof(T)>(to + Layout::offset(0, i * step), source_ + offset_, real_);
        advance(step);
      }
    }
  }

 private:
  __device__ void advance(int channels) {
    offset_ += channels * p_.b_row;
    if (cursor_.advance(channels, p_.channels)) find_tap();
  }
  __device__ void find_tap() {
    real_ = column_ < p_.n && cursor_.tap < tables_.tap_count;
    if (real_) offset_ = tables_.taps[cursor_.tap].b + cursor_.channel * p_.b_row;
  }

  const Problem& p_;
  Tables tables_;
  int at_, column_;
  const T* source_;
  TapCursor cursor_;
  int offset_ = 0;
  bool real_;
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
        cursor_(box, k + k_, step, Pitches(p.pixels, p.a_row)) {
    const int first = (box.low[0] * p.pixels[1] + box.low[1]) * p.pixels[2] + box.low[2];
    const int64_t start =
        group * p.a_group + static_cast<int64_t>(first) * p.a_row + (real_ ? m + column_ : 0);
    source_ = static_cast<const T*>(p.a) + start;
    if constexpr (Fused) {
      z_ = static_cast<const T*>(p.a_prologue.z) + start;
      int channel = real_ ? p.a_channel_group * group + m + column_ : 0;
      if (p.a_prologue.kind != PrologueKind::none) channel %= p.a_prologue.channels;
      numbers_ = ChannelNumbers<Width>(p.a_prologue, channel);
    }
  }

  __device__ void issue(char* tile, char* z_tile) {
    const uint32_t at = static_cast<uint32_t>(Layout::offset(column_, k_));
    const uint32_t to = shared_address(tile) + at, z_to = Fused ? shared_address(z_tile) + at : 0;
    uint32_t landed = 0;
    for (int i = 0; i < count; ++i) {
      const bool real = real_ && cursor_.image < p_.images;
      const int further = Layout::offset(0, i * step), offset = static_cast<int>(cursor_.offset);
      copy_async<Width * sizeof(T)>(to + further, source_ + offset, real);
      if constexpr (Fused)
        if (p_.a_prologue.kind == PrologueKind::backward)
          copy_async<Width * sizeof(T)>(z_to + further, z_ + offset, real);
      landed |= static_cast<uint32_t>(real) << i;
      cursor_.advance(box_);
    }
    if constexpr (Fused) landed_.push(landed);
  }

  /// Keeps step with the stages when there is nothing left to copy.
  __device__ void skip() { landed_.push(0); }

  __device__ void transform(char* tile, char* z_tile) {
    if (p_.a_prologue.kind != PrologueKind::none)
      transform_chunks<T, Width, count>(p_.a_prologue, numbers_, landed_.oldest(), tile, z_tile,
                                        [&](int i) { return Layout::offset(column_, k_ + i * step); });
  }

 private:
  const Problem& p_;
  const Box& box_;
  int k_, column_;
  bool real_;
  const T* source_;  ///< the box's first pixel, at the thread's channels
  const T* z_;       ///< the prologue's second tensor, there
  PixelCursor cursor_;
  Landed<Stages> landed_;
  ChannelNumbers<Width> numbers_;
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
        cursor_(box, k + k_, step, Pitches(p.source, p.source_row).times(p.stride)) {
    const int channel = real_ ? (n + column_) % p.channels : 0;
    int tap = real_ ? (n + column_) / p.channels : 0;
    const Pitches pitches(p.source, p.source_row);
    source_ = static_cast<const T*>(p.b) + group * p.b_group + channel;
    for (int axis = 2; axis >= 0; --axis) {
      offset_[axis] = box.low[axis] * p.stride[axis] - p.pad[axis] + tap % p.kernel[axis] * p.dilation[axis];
      source_ += offset_[axis] * pitches.axis[axis];
      tap /= p.kernel[axis];
    }
    if constexpr (Fused)
      numbers_ = ChannelNumbers<Width>(p.b_prologue,
                                       p.b_prologue.kind == PrologueKind::none
                                           ? 0
                                           : (p.b_channel_group * group + channel) % p.b_prologue.channels);
  }

  __device__ void issue(char* tile) {
    const uint32_t to = shared_address(tile) + static_cast<uint32_t>(Layout::offset(column_, k_));
    uint32_t landed = 0;
    for (int i = 0; i < count; ++i) {
      bool real = real_ && cursor_.image < p_.images;
      for (int axis = 0; axis < 3; ++axis)
        real &= static_cast<unsigned>(cursor_.at[axis] * p_.stride[axis] + offset_[axis]) <
                static_cast<unsigned>(p_.source[axis]);
      copy_async<Width * sizeof(T)>(to + Layout::offset(0, i * step),
                                    source_ + static_cast<int>(cursor_.offset), real);
      landed |= static_cast<uint32_t>(real) << i;
      cursor_.advance(box_);
    }
    if constexpr (Fused) landed_.push(landed);
  }

  /// Keeps step with the stages when there is nothing left to copy.
  __device__ void skip() { landed_.push(0); }

  __device__ void transform(char* tile) {
    if (p_.b_prologue.kind != PrologueKind::none)
      transform_chunks<T, Width, count>(p_.b_prologue, numbers_, landed_.oldest(), tile, nullptr,
                                        [&](int i) { return Layout::offset(column_, k_ + i * step); });
  }

 private:
  const Problem& p_;
  const Box& box_;
  int k_, column_, offset_[3];
  bool real_;
  const T* source_;  ///< the pixel that the thread's tap sees from the box's first
  PixelCursor cursor_;
  Landed<Stages> landed_;
  ChannelNumbers<Width> numbers_;
};

}  // namespace agon::cuda
