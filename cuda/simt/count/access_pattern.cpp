#include "cuda/simt/count/access_pattern.h"

#include <algorithm>
#include <bit>

#include "cuda/simt/machine/warp.h"
#include "cuda/simt/vector/isa.h"

namespace agon::simt {

namespace {

#include "cuda/simt/count/access_pattern.inl"

template <class Address>
void remember(AccessPattern& pattern, const Address* address, std::uint32_t lanes, std::uint32_t size) {
  const Address base = address[std::countr_zero(lanes)];
  bool uniform = true, contiguous = lanes == ~std::uint32_t{0}, near = true;
  for (int i = 0; i < 32; ++i) {
    const Address distance = address[i] - base;
    pattern.distance[i] = static_cast<std::uint32_t>(distance);
    if (!(lanes >> i & 1)) continue;
    if constexpr (sizeof(Address) == 8) near &= (distance + 0x80000000ull) >> 32 == 0;
    uniform &= distance == 0;
    contiguous &= distance == static_cast<Address>(i) * size;
  }
  // What cannot be told from the 32-bit distances is worked out anew each time.
  pattern.lanes = near ? lanes : 0;
  pattern.phase = static_cast<std::uint32_t>(base & 31);
  pattern.shape = uniform      ? AccessPattern::Shape::uniform
                  : contiguous ? AccessPattern::Shape::contiguous
                               : AccessPattern::Shape::other;
}

}  // namespace

void analyse_global(AccessPattern& pattern, const std::uint64_t* address, std::uint32_t lanes,
                    std::uint32_t size) {
  remember(pattern, address, lanes, size);
  const std::uint64_t base = address[std::countr_zero(lanes)];
  std::uint64_t sorted[32];
  int count = 0;
  for (std::uint32_t left = lanes; left; left &= left - 1) sorted[count++] = address[std::countr_zero(left)];
  if (!std::is_sorted(sorted, sorted + count)) std::sort(sorted, sorted + count);
  pattern.sectors = pattern.bytes = pattern.runs = 0;
  std::uint64_t end = 0, next_sector = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t first = sorted[i], last = first + size;
    const std::uint64_t first_sector = std::max(first >> 5, next_sector), last_sector = (last - 1) >> 5;
    if (last_sector >= first_sector) {
      pattern.sectors += static_cast<std::uint32_t>(last_sector - first_sector + 1);
      next_sector = last_sector + 1;
    }
    if (i == 0 || first > end) {
      pattern.run_first[pattern.runs] = static_cast<std::int64_t>(first - base);
      pattern.run_bytes[pattern.runs++] = size;
      end = last;
    } else if (last > end) {
      pattern.run_bytes[pattern.runs - 1] += static_cast<std::uint32_t>(last - end);
      end = last;
    }
  }
  for (std::uint32_t run = 0; run < pattern.runs; ++run) pattern.bytes += pattern.run_bytes[run];
}

void analyse_shared(AccessPattern& pattern, const std::uint32_t* offset, std::uint32_t lanes,
                    std::uint32_t size) {
  remember(pattern, offset, lanes, size);
  // A wavefront moves 128 bytes, each bank of it from one place: of 4-byte accesses (and narrower ones, which
  // read whole words) a warp's, of 8-byte ones half a warp's, of 16-byte ones a quarter's, in as many banks
  // of that width.
  const std::uint32_t unit = std::max(size, 4u), banks = 128 / unit;
  pattern.wavefronts = pattern.ideal = 0;
  for (std::uint32_t start = 0; start < 32; start += banks) {
    std::uint32_t held[32][32];  // distinct places by bank
    std::uint32_t depth[32] = {};
    std::uint32_t deepest = 0, distinct = 0;
    for (std::uint32_t i = start; i < start + banks; ++i) {
      if (!(lanes >> i & 1)) continue;
      const std::uint32_t place = offset[i] / unit, bank = place & (banks - 1);
      if (std::find(held[bank], held[bank] + depth[bank], place) != held[bank] + depth[bank]) continue;
      held[bank][depth[bank]++] = place;
      deepest = std::max(deepest, depth[bank]);
      ++distinct;
    }
    pattern.wavefronts += deepest;
    pattern.ideal += (distinct + banks - 1) / banks;
  }
}

void update_global(AccessPattern& pattern, const std::uint64_t* address, std::uint32_t lanes,
                   std::uint32_t size) {
  if (!as_before<31>(pattern, address, lanes)) analyse_global(pattern, address, lanes, size);
}
void update_shared(AccessPattern& pattern, const std::uint32_t* offset, std::uint32_t lanes,
                   std::uint32_t size) {
  if (!as_before<3>(pattern, offset, lanes)) analyse_shared(pattern, offset, lanes, size);
}

}  // namespace agon::simt
