#include "cuda/simt/decode/flow.h"

#include <algorithm>

namespace agon::simt::ptx {
namespace {

bool ends_block(const Instruction& i) {
  return i.op == Op::Bra || i.op == Op::BrxIdx || i.op == Op::Exit || i.op == Op::Trap;
}

template <class Visit>
void visit_targets(const Instruction& i, std::span<const int32_t> operands, Visit visit) {
  if (i.op == Op::Bra) visit(i.target);
  if (i.op == Op::BrxIdx)
    for (int32_t k = 0; k < i.immediate; ++k)
      visit(static_cast<uint32_t>(operands[i.list + static_cast<uint32_t>(k)]));
}

// Blocks in post-order of a walk from the exit along reversed edges. The virtual exit is not among them.
std::vector<uint32_t> reverse_post_order_from_exit(const FlowGraph& graph,
                                                   const std::vector<std::vector<uint32_t>>& predecessors) {
  std::vector<uint32_t> order;
  std::vector<bool> seen(graph.size());
  std::vector<std::pair<uint32_t, size_t>> stack;
  const auto walk = [&](uint32_t root) {
    if (seen[root]) return;
    seen[root] = true;
    stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [block, next] = stack.back();
      if (next == predecessors[block].size()) {
        order.push_back(block);
        stack.pop_back();
        continue;
      }
      const uint32_t predecessor = predecessors[block][next++];
      if (seen[predecessor]) continue;
      seen[predecessor] = true;
      stack.emplace_back(predecessor, 0);
    }
  };
  for (uint32_t b = 0; b < graph.size(); ++b)
    if (graph.exits[b]) walk(b);
  std::reverse(order.begin(), order.end());
  return order;
}

}  // namespace

FlowGraph flow_graph(std::span<const Instruction> instructions, std::span<const int32_t> operands) {
  const auto count = static_cast<uint32_t>(instructions.size());
  std::vector<bool> starts(count + 1);
  starts[0] = true;
  for (uint32_t i = 0; i < count; ++i) {
    if (ends_block(instructions[i])) starts[i + 1] = true;
    visit_targets(instructions[i], operands, [&](uint32_t target) { starts[target] = true; });
  }
  FlowGraph graph;
  std::vector<uint32_t> block_of(count + 1);
  for (uint32_t i = 0; i < count; ++i) {
    if (starts[i]) graph.starts.push_back(i);
    block_of[i] = static_cast<uint32_t>(graph.starts.size()) - 1;
  }
  const auto blocks = static_cast<uint32_t>(graph.starts.size());
  block_of[count] = blocks;
  graph.starts.push_back(count);
  graph.successors.resize(blocks);
  graph.exits.resize(blocks);
  for (uint32_t b = 0; b < blocks; ++b) {
    const Instruction& last = instructions[graph.starts[b + 1] - 1];
    auto& successors = graph.successors[b];
    const auto add = [&](uint32_t block) {
      if (block == blocks)
        graph.exits[b] = true;
      else if (std::find(successors.begin(), successors.end(), block) == successors.end())
        successors.push_back(block);
    };
    visit_targets(last, operands, [&](uint32_t target) { add(block_of[target]); });
    if (last.op == Op::Exit || last.op == Op::Trap) graph.exits[b] = true;
    if (!ends_block(last) || last.guard != always_true) add(b + 1);
  }
  return graph;
}

// Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm", on the reversed graph.
std::vector<uint32_t> post_dominators(const FlowGraph& graph) {
  const uint32_t exit = graph.size();
  std::vector<std::vector<uint32_t>> predecessors(graph.size());
  for (uint32_t b = 0; b < graph.size(); ++b)
    for (const uint32_t s : graph.successors[b]) predecessors[s].push_back(b);
  const std::vector<uint32_t> order = reverse_post_order_from_exit(graph, predecessors);
  constexpr uint32_t unknown = UINT32_MAX;
  std::vector<uint32_t> rank(graph.size() + 1, unknown);  // the exit is first
  rank[exit] = 0;
  for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i + 1;
  std::vector<uint32_t> idom(graph.size() + 1, unknown);
  idom[exit] = exit;
  const auto meet = [&](uint32_t a, uint32_t b) {
    while (a != b) {
      while (rank[a] > rank[b]) a = idom[a];
      while (rank[b] > rank[a]) b = idom[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const uint32_t b : order) {
      uint32_t merged = graph.exits[b] ? exit : unknown;
      for (const uint32_t s : graph.successors[b])
        if (idom[s] != unknown) merged = merged == unknown ? s : meet(merged, s);
      if (idom[b] != merged) {
        idom[b] = merged;
        changed = true;
      }
    }
  }
  idom.pop_back();
  for (uint32_t& d : idom)
    if (d == unknown) d = exit;
  return idom;
}

}  // namespace agon::simt::ptx
