#include "cuda/simt/decode/registers.h"

#include <algorithm>
#include <bit>
#include <queue>

namespace agon::simt::ptx {
namespace {

class BitSet {
 public:
  explicit BitSet(size_t bits) : words_((bits + 63) / 64) {}
  void set(size_t i) { words_[i / 64] |= uint64_t{1} << i % 64; }
  void reset(size_t i) { words_[i / 64] &= ~(uint64_t{1} << i % 64); }
  bool test(size_t i) const { return words_[i / 64] >> i % 64 & 1; }
  void merge(const BitSet& other) {
    for (size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
  }
  bool operator==(const BitSet&) const = default;
  template <class Visit>
  void each(Visit visit) const {
    for (size_t w = 0; w < words_.size(); ++w)
      for (uint64_t bits = words_[w]; bits; bits &= bits - 1)
        visit(w * 64 + static_cast<size_t>(std::countr_zero(bits)));
  }

 private:
  std::vector<uint64_t> words_;
};

// A write under a guard keeps the old value in the other lanes, so it ends no life.
bool kills(const Draft& draft, size_t instruction, const Reference& r) {
  return r.written && draft.instructions[instruction].guard == always_true;
}
bool reads(const Draft& draft, size_t instruction, const Reference& r) {
  return !r.written || draft.instructions[instruction].guard != always_true;
}

void step_back(const Draft& draft, size_t instruction, BitSet& live) {
  const auto references = draft.references_of(instruction);
  for (const Reference& r : references)
    if (kills(draft, instruction, r)) live.reset(static_cast<size_t>(r.reg));
  for (const Reference& r : references)
    if (reads(draft, instruction, r)) live.set(static_cast<size_t>(r.reg));
}

std::vector<BitSet> live_at_end(const Draft& draft, const FlowGraph& graph) {
  std::vector<BitSet> in(graph.size(), BitSet(draft.registers.size())), out = in;
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t b = graph.size(); b-- > 0;) {
      for (const uint32_t s : graph.successors[b]) out[b].merge(in[s]);
      BitSet live = out[b];
      for (uint32_t i = graph.starts[b + 1]; i-- > graph.starts[b];) step_back(draft, i, live);
      if (live == in[b]) continue;
      in[b] = std::move(live);
      changed = true;
    }
  }
  return out;
}

uint32_t words(RegisterClass kind) {
  return kind == RegisterClass::predicate ? 0 : kind == RegisterClass::b64 ? 2 : 1;
}

struct Interval {
  uint32_t first = UINT32_MAX, last = 0;
  void cover(uint32_t at) {
    first = std::min(first, at);
    last = std::max(last, at);
  }
};

// Where each register lives, as one span of instructions, and the most 32-bit words that live at once.
std::vector<Interval> intervals(const Draft& draft, const FlowGraph& graph, uint32_t& most_live) {
  std::vector<Interval> spans(draft.registers.size());
  const std::vector<BitSet> out = live_at_end(draft, graph);
  most_live = 0;
  for (uint32_t b = 0; b < graph.size(); ++b) {
    BitSet live = out[b];
    uint32_t count = 0;
    live.each([&](size_t r) {
      spans[r].cover(graph.starts[b + 1] - 1);
      count += words(draft.registers[r]);
    });
    most_live = std::max(most_live, count);
    for (uint32_t i = graph.starts[b + 1]; i-- > graph.starts[b];) {
      for (const Reference& r : draft.references_of(i)) {
        const auto reg = static_cast<size_t>(r.reg);
        spans[reg].cover(i);
        if (kills(draft, i, r) && live.test(reg)) {
          live.reset(reg);
          count -= words(draft.registers[reg]);
        }
      }
      for (const Reference& r : draft.references_of(i)) {
        const auto reg = static_cast<size_t>(r.reg);
        if (!reads(draft, i, r) || live.test(reg)) continue;
        live.set(reg);
        count += words(draft.registers[reg]);
      }
      most_live = std::max(most_live, count);
    }
    live.each([&](size_t r) { spans[r].cover(graph.starts[b]); });
  }
  return spans;
}

}  // namespace

Allocation allocate_registers(const Draft& draft, const FlowGraph& graph) {
  Allocation result;
  const std::vector<Interval> spans = intervals(draft, graph, result.registers);
  result.slots.assign(draft.registers.size(), 0);
  std::vector<uint32_t> order;
  for (uint32_t r = 0; r < spans.size(); ++r)
    if (spans[r].first != UINT32_MAX) order.push_back(r);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return spans[a].first < spans[b].first; });
  // Slots are given back behind the last use, so a destination never takes a source's slot.
  using Ending = std::pair<uint32_t, uint32_t>;  // last instruction, register
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> active;
  std::array<std::priority_queue<int32_t, std::vector<int32_t>, std::greater<>>, 3> free;
  std::array<int32_t, 3> used{};
  for (const uint32_t r : order) {
    for (; !active.empty() && active.top().first < spans[r].first; active.pop()) {
      const uint32_t ended = active.top().second;
      free[static_cast<size_t>(draft.registers[ended])].push(result.slots[ended]);
    }
    const auto kind = static_cast<size_t>(draft.registers[r]);
    if (free[kind].empty()) {
      result.slots[r] = used[kind]++;
    } else {
      result.slots[r] = free[kind].top();
      free[kind].pop();
    }
    active.emplace(spans[r].last, r);
  }
  // Lines: pairs for the 64-bit registers first, so that they are even.
  const int32_t wide = used[static_cast<size_t>(RegisterClass::b64)];
  for (const uint32_t r : order) switch (draft.registers[r]) {
      case RegisterClass::predicate:
        result.slots[r] += first_free_predicate;
        break;
      case RegisterClass::b32:
        result.slots[r] += 2 * wide;
        break;
      case RegisterClass::b64:
        result.slots[r] *= 2;
        break;
    }
  result.lines = static_cast<uint32_t>(2 * wide + used[static_cast<size_t>(RegisterClass::b32)]);
  result.predicates =
      static_cast<uint32_t>(first_free_predicate + used[static_cast<size_t>(RegisterClass::predicate)]);
  return result;
}

}  // namespace agon::simt::ptx
