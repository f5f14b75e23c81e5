#include "cuda/simt/check/shadow.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <utility>

#include "agon/error.h"

#include "cuda/simt/check/cells.h"

namespace agon::simt {
namespace {

constexpr std::uint64_t page = 4096;

std::uint64_t new_numbering() {
  static std::atomic<std::uint64_t> given{0};
  return ++given;
}

// Zeroes bytes of a mapping and gives its whole pages back.
void clear(void* array, std::uint64_t begin, std::uint64_t bytes) {
  auto* first = static_cast<char*>(array) + begin;
  auto* last = first + bytes;
  const auto address = reinterpret_cast<std::uintptr_t>(first);
  auto* inner = first + ((page - address % page) % page);
  auto* inner_end = last - reinterpret_cast<std::uintptr_t>(last) % page;
  if (inner >= inner_end) {
    std::memset(first, 0, bytes);
    return;
  }
  std::memset(first, 0, static_cast<std::size_t>(inner - first));
  std::memset(inner_end, 0, static_cast<std::size_t>(last - inner_end));
  madvise(inner, static_cast<std::size_t>(inner_end - inner), MADV_DONTNEED);
}

// Bits of a word's bytes from `from` to `to` (0..4).
constexpr std::uint8_t byte_bits(std::uint64_t from, std::uint64_t to) {
  return static_cast<std::uint8_t>(((1u << to) - 1) & ~((1u << from) - 1));
}

// Calls edge(word, bits) for partly covered words and whole(first, count) for the rest.
template <class Edge, class Whole>
void over_words(std::uint64_t begin, std::uint64_t bytes, Edge edge, Whole whole) {
  const std::uint64_t end = begin + bytes;
  std::uint64_t word = begin / 4;
  if (begin % 4) {
    edge(word, byte_bits(begin % 4, std::min<std::uint64_t>(4, end - word * 4)));
    ++word;
  }
  if (end / 4 > word) {
    whole(word, end / 4 - word);
    word = end / 4;
  }
  if (end > word * 4 && word * 4 >= begin) edge(word, byte_bits(0, end - word * 4));
}

}  // namespace

GlobalShadow::GlobalShadow(std::uint64_t words) : words_(words), numbering_(new_numbering()) {
  const auto map = [&](std::uint64_t bytes) {
    void* mapping =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(mapping != MAP_FAILED, ErrorKind::io,
          "simt: cannot reserve {} GiB of addresses for the checks; lift the limit of virtual memory "
          "(ulimit -v) or set AGON_SIMT_CHECKS=0",
          bytes >> 30);
    mappings_.emplace_back(mapping, bytes);
    return mapping;
  };
  state = static_cast<std::uint8_t*>(map(words + page));
  for (std::uint32_t** array : {&write, &read, &write_serial, &read_serial, &write_pc})
    *array = static_cast<std::uint32_t*>(map(words * 4 + page));
}

GlobalShadow::~GlobalShadow() {
  for (const auto& [mapping, bytes] : mappings_) munmap(mapping, bytes);
}

void GlobalShadow::open(std::uint64_t begin, std::uint64_t bytes, bool written) {
  const std::uint8_t full = written ? cells::state_written : cells::state_exists;
  over_words(
      begin, bytes,
      [&](std::uint64_t word, std::uint8_t bits) {
        state[word] = static_cast<std::uint8_t>(bits << 4 | (written ? bits : 0));
      },
      [&](std::uint64_t word, std::uint64_t count) { std::memset(state + word, full, count); });
}

void GlobalShadow::close(std::uint64_t begin, std::uint64_t bytes) {
  const std::uint64_t word = begin / 4, words = (bytes + 3) / 4;
  clear(state, word, words);
  for (std::uint32_t* array : {write, read, write_serial, read_serial, write_pc})
    clear(array, word * 4, words * 4);
}

void GlobalShadow::set_written(std::uint64_t begin, std::uint64_t bytes, bool written) {
  over_words(
      begin, bytes,
      [&](std::uint64_t word, std::uint8_t bits) {
        state[word] = static_cast<std::uint8_t>(written ? state[word] | bits : state[word] & ~bits);
      },
      [&](std::uint64_t word, std::uint64_t count) {
        std::memset(state + word, written ? cells::state_written : cells::state_exists, count);
      });
}

void GlobalShadow::copy_written(std::uint64_t to, std::uint64_t from, std::uint64_t bytes) {
  if (to % 4 == 0 && from % 4 == 0) {
    std::memmove(state + to / 4, state + from / 4, bytes / 4);
    const std::uint64_t rest = bytes % 4;
    to += bytes - rest, from += bytes - rest, bytes = rest;
  }
  const bool backwards = to > from;
  for (std::uint64_t n = 0; n < bytes; ++n) {
    const std::uint64_t i = backwards ? bytes - 1 - n : n;
    set_written(to + i, 1, state[(from + i) / 4] >> ((from + i) % 4) & 1);
  }
}

void GlobalShadow::forget_order() {
  for (std::uint32_t* array : {write, read, write_serial, read_serial, write_pc})
    madvise(array, words_ * 4, MADV_DONTNEED);
  ranges_.clear();
  next_ = 1;
  numbering_ = new_numbering();
}

GlobalShadow::Serials GlobalShadow::begin(const History& history, std::uint64_t blocks, std::string label) {
  const std::lock_guard lock(mutex_);
  // Ranges of operations that are before everything to come need no entry.
  const OperationId floor = history.floor();
  auto kept = std::partition_point(ranges_.begin(), ranges_.end(),
                                   [&](const Range& range) { return range.operation <= floor; });
  if (kept - ranges_.begin() > 4096) ranges_.erase(ranges_.begin(), kept), kept = ranges_.begin();
  const auto start_of = [&](auto range) {
    return range == ranges_.end() ? static_cast<Serial>(next_) : range->first;
  };
  const Serial floor_serial = start_of(kept);
  const Serial ceiling_serial = start_of(std::partition_point(
      kept, ranges_.end(), [&](const Range& range) { return range.operation <= history.ceiling(); }));
  if (kept == ranges_.end()) {
    extra_readers_.clear();
    extra_readers_count_ = 0;
  }
  // Serials run out after four thousand million blocks: what was before is forgotten.
  constexpr std::uint64_t headroom = 1 << 24;
  const bool wraps = next_ + blocks + 1 + headroom > UINT32_MAX;
  if (wraps) forget_order();

  auto [index, inserted] = label_index_.try_emplace(label, static_cast<std::uint32_t>(labels_.size()));
  if (inserted) labels_.push_back(std::move(label));
  Serials serials;
  serials.first = static_cast<Serial>(next_);
  serials.many = static_cast<Serial>(next_ + blocks);
  serials.floor = wraps ? serials.first : floor_serial;
  serials.unordered = wraps ? 0 : ceiling_serial - floor_serial;
  ranges_.push_back({serials.first, blocks, 0, history.current(), index->second});
  next_ += blocks + 1;
  return serials;
}

Serial GlobalShadow::renew(std::uint64_t block) {
  const std::lock_guard lock(mutex_);
  const auto serial = static_cast<Serial>(next_++);
  const Range last = ranges_.back();
  ranges_.push_back({serial, 0, block, last.operation, last.label});
  return serial;
}

GlobalShadow::Range GlobalShadow::range_of(Serial serial) const {
  thread_local struct {
    std::uint64_t numbering = 0;
    Range range{};
  } last;
  const auto holds = [&](const Range& range) {
    return serial >= range.first && serial - range.first <= range.blocks;
  };
  if (last.numbering == numbering_.load(std::memory_order_relaxed) && holds(last.range)) return last.range;
  const std::lock_guard lock(mutex_);
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), serial,
                                      [](Serial s, const Range& range) { return s < range.first; });
  if (after == ranges_.begin()) return {};
  last = {numbering_, after[-1]};
  return last.range;
}

GlobalShadow::Owner GlobalShadow::owner(Serial serial) const {
  const Range range = range_of(serial);
  const bool many = range.blocks != 0 && serial - range.first == range.blocks;
  return {range.operation, many ? 0 : range.block + (serial - range.first), many};
}

std::string GlobalShadow::label(Serial serial) const {
  const std::uint32_t index = range_of(serial).label;
  const std::lock_guard lock(mutex_);
  return labels_[index];
}

void GlobalShadow::add_reader(std::uint64_t word, Serial serial) {
  const std::lock_guard lock(mutex_);
  std::vector<Serial>& serials = extra_readers_[word];
  if (std::find(serials.begin(), serials.end(), serial) == serials.end()) serials.push_back(serial);
  extra_readers_count_ = extra_readers_.size();
}

std::vector<Serial> GlobalShadow::extra_readers(std::uint64_t word) const {
  const std::lock_guard lock(mutex_);
  const auto found = extra_readers_.find(word);
  return found == extra_readers_.end() ? std::vector<Serial>{} : found->second;
}

}  // namespace agon::simt
