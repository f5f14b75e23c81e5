#include <algorithm>
#include <map>
#include <set>

#include "graph/alias.h"
#include "graph/elementwise_program.h"
#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"
#include "graph/passes/uses.h"

namespace agon {
namespace {

/// Groups are grown backwards from their last node, where the fused kernel will stand.
class ElementwiseFuser {
 public:
  ElementwiseFuser(const Graph& graph, const FusionPolicy& policy)
      : graph_(graph), limit_(policy.max_operands()), uses_(graph), group_(graph.nodes().size(), -1) {
    const auto roots = state_roots(graph);
    for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i)
      for (const auto& [output, input] : in_place(graph.node(i)))
        if (const int root = roots[static_cast<size_t>(graph.node(i).inputs[static_cast<size_t>(input)])];
            root >= 0)
          updates_[root].push_back(i);
    roots_ = roots;
  }

  Graph run();

 private:
  bool fusable(int node) const {
    const Node& n = graph_.node(node);
    return is_elementwise(n.op) && n.op != Op::cast && graph_.value(n.outputs[0]).dtype == DType::f32;
  }
  const Shape& shape(int node) const { return graph_.value(graph_.node(node).outputs[0]).shape; }
  bool may_join(int node, int last) const;
  std::vector<int> operands(const std::set<int>& members) const;
  void grow(int last);
  void emit(Rewriter& rewriter, int last) const;

  const Graph& graph_;
  int limit_;
  Uses uses_;
  std::vector<int> group_;  // node -> last node of its group
  std::map<int, std::set<int>> members_;
  std::map<int, std::vector<int>> updates_;  // state value -> nodes that update it in place
  std::vector<int> roots_;
};

/// Moving `node` down to `last` must not pass a reader of its result or an update of memory it reads.
bool ElementwiseFuser::may_join(int node, int last) const {
  if (!fusable(node) || group_[static_cast<size_t>(node)] >= 0 || !(shape(node) == shape(last))) return false;
  for (int reader : uses_.of(graph_.node(node).outputs[0]))
    if (reader < last && group_[static_cast<size_t>(reader)] != last) return false;
  for (int id : graph_.node(node).inputs) {
    const auto found = updates_.find(roots_[static_cast<size_t>(id)]);
    if (found == updates_.end()) continue;
    if (std::ranges::any_of(found->second, [&](int update) { return update > node && update < last; }))
      return false;
  }
  return true;
}

std::vector<int> ElementwiseFuser::operands(const std::set<int>& members) const {
  std::vector<int> result;
  for (int m : members)
    for (int id : graph_.node(m).inputs)
      if (!members.contains(graph_.value(id).producer) && std::ranges::find(result, id) == result.end())
        result.push_back(id);
  return result;
}

void ElementwiseFuser::grow(int last) {
  std::set<int> members{last};
  group_[static_cast<size_t>(last)] = last;
  bool grown = true;
  while (grown) {
    grown = false;
    for (int id : operands(members)) {
      const int producer = graph_.value(id).producer;
      if (!may_join(producer, last)) continue;
      std::set<int> larger = members;
      larger.insert(producer);
      int results = 0;
      for (int m : larger)
        for (int reader : uses_.of(graph_.node(m).outputs[0]))
          if (!larger.contains(reader)) {
            ++results;
            break;
          }
      if (static_cast<int>(operands(larger).size()) + results > limit_ || larger.size() > 48) continue;
      members = std::move(larger);
      group_[static_cast<size_t>(producer)] = last;
      grown = true;
    }
  }
  if (members.size() == 1)
    group_[static_cast<size_t>(last)] = -1;
  else
    members_[last] = std::move(members);
}

void ElementwiseFuser::emit(Rewriter& rewriter, int last) const {
  const auto& members = members_.at(last);
  const auto inputs = operands(members);
  ElementwiseProgram program;
  std::map<int, int> place;  // value -> operand number
  Node fused{Op::elementwise, {}, {}, {}, {}, graph_.node(last).name};
  for (int id : inputs) {
    place[id] = static_cast<int>(fused.inputs.size());
    fused.inputs.push_back(rewriter.at(id));
  }
  std::vector<ValueInfo> types;
  std::vector<int> results;
  for (int m : members) {
    const Node& node = graph_.node(m);
    auto instruction = instruction_of(node);
    for (size_t i = 0; i < node.inputs.size(); ++i) instruction.operands[i] = place.at(node.inputs[i]);
    const int number = static_cast<int>(program.code.size());
    program.code.push_back(instruction);
    place[node.outputs[0]] = static_cast<int>(inputs.size()) + number;
    const auto& readers = uses_.of(node.outputs[0]);
    if (std::ranges::any_of(readers, [&](int r) { return !members.contains(r); })) {
      program.outputs.push_back(number);
      types.push_back(graph_.value(node.outputs[0]));
      results.push_back(node.outputs[0]);
    }
  }
  fused.attr = std::move(program);
  rewriter.to().adopt(std::move(fused), types);
  const Node& made = rewriter.to().nodes().back();
  for (size_t i = 0; i < results.size(); ++i) rewriter.bind(results[i], made.outputs[i]);
}

Graph ElementwiseFuser::run() {
  for (int i = static_cast<int>(graph_.nodes().size()); i-- > 0;)
    if (fusable(i) && group_[static_cast<size_t>(i)] < 0) grow(i);
  Rewriter rewriter(graph_);
  for (int i = 0; i < static_cast<int>(graph_.nodes().size()); ++i) {
    const int last = group_[static_cast<size_t>(i)];
    if (last < 0)
      rewriter.copy(graph_.node(i));
    else if (last == i)
      emit(rewriter, last);
  }
  return rewriter.finish();
}

}  // namespace

Graph fuse_elementwise(const Graph& graph, const FusionPolicy& policy) {
  return ElementwiseFuser(graph, policy).run();
}

}  // namespace agon
