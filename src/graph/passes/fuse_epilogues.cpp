#include <map>
#include <set>

#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"
#include "graph/passes/uses.h"

namespace agon {
namespace {

std::string_view describe(Activation f) {
  switch (f.kind) {
    case ActivationKind::identity:
      return "identity";
    case ActivationKind::relu:
      return "relu";
    case ActivationKind::leaky_relu:
      return "leaky_relu";
    case ActivationKind::elu:
      return "elu";
    case ActivationKind::tanh:
      return "tanh";
    case ActivationKind::sigmoid:
      return "sigmoid";
  }
  return "?";
}

bool is_contraction(Op op) {
  return op == Op::conv || op == Op::conv_input_grad || op == Op::matmul;
}

/// Decides, on the old graph, which nodes vanish into which; then copies.
class EpilogueFuser {
 public:
  EpilogueFuser(const Graph& graph, const FusionPolicy& policy)
      : graph_(graph), policy_(policy), uses_(graph) {}

  Fused run();

 private:
  struct Plan {
    int bias = -1;  ///< old value of the bias
    Activation epilogue;
    int last = -1;    ///< old node whose output the fused node makes
    int grad_y = -1;  ///< batch_norm_grad: old value of the activation's output
    int dy = -1;      ///< ... and the cotangent in front of the activation
    Activation grad;
  };

  int node_count() const { return static_cast<int>(graph_.nodes().size()); }
  /// The node that alone reads output 0 of `node`, or -1.
  int sole_reader(int node) const {
    const int reader = uses_.sole(graph_.node(node).outputs[0]);
    return reader >= 0 && reader < node_count() ? reader : -1;
  }
  void note(int node, std::string action) {
    const Node& n = graph_.node(node);
    notes_.push_back({fmt::format("{} {}", name_of(n.op), n.name), std::move(action)});
  }
  void note_leftovers();
  void plan_contraction(int index);
  void plan_norm(int index);
  void plan_norm_grad(int index);

  const Graph& graph_;
  const FusionPolicy& policy_;
  Uses uses_;
  std::map<int, Plan> plans_;  // by fused node
  std::set<int> absorbed_;     // nodes that vanish into a fused one
  std::vector<FusionNote> notes_;
};

void EpilogueFuser::plan_contraction(int index) {
  const Node& node = graph_.node(index);
  Plan plan;
  plan.last = index;
  int reader = sole_reader(index);
  if (reader >= 0 && graph_.node(reader).op == Op::add) {
    const Node& sum = graph_.node(reader);
    const int y = node.outputs[0], other = sum.inputs[0] == y ? sum.inputs[1] : sum.inputs[0];
    const Shape& bias = graph_.value(other).shape;
    const bool per_channel =
        other != y && bias == Shape{graph_.value(y).shape[-1]} && graph_.value(other).producer < index;
    if (per_channel) {
      if (const auto reason = policy_.against_epilogue(graph_, node, true, {}); reason.empty()) {
        plan.bias = other;
        plan.last = reader;
        absorbed_.insert(reader);
        reader = sole_reader(reader);
      } else {
        note(index, "kept bias apart: " + reason);
        return;
      }
    }
  }
  if (reader >= 0 && graph_.node(reader).op == Op::activation) {
    const auto f = graph_.node(reader).get<Activation>();
    if (const auto reason = policy_.against_epilogue(graph_, node, plan.bias >= 0, f); reason.empty()) {
      plan.epilogue = f;
      plan.last = reader;
      absorbed_.insert(reader);
    } else {
      note(index, fmt::format("kept {} apart: {}", describe(f), reason));
    }
  }
  if (plan.last == index) return;
  note(index, fmt::format("fused {}{}{}", plan.bias >= 0 ? "bias" : "",
                          plan.bias >= 0 && plan.epilogue.kind != ActivationKind::identity ? ", " : "",
                          plan.epilogue.kind != ActivationKind::identity ? describe(plan.epilogue) : ""));
  plans_[index] = plan;
}

void EpilogueFuser::plan_norm(int index) {
  const int reader = sole_reader(index);
  if (reader < 0 || graph_.node(reader).op != Op::activation) return;
  const auto f = graph_.node(reader).get<Activation>();
  if (const auto reason = policy_.against_norm_epilogue(graph_, graph_.node(index), f); !reason.empty())
    return note(index, fmt::format("kept {} apart: {}", describe(f), reason));
  note(index, fmt::format("fused {}", describe(f)));
  absorbed_.insert(reader);
  plans_[index] = {.bias = -1, .epilogue = f, .last = reader, .grad_y = -1, .dy = -1, .grad = {}};
}

void EpilogueFuser::plan_norm_grad(int index) {
  const Node& node = graph_.node(index);
  const int producer = graph_.value(node.inputs[4]).producer;
  const Node& before = graph_.node(producer);
  if (before.op != Op::activation_grad) return;
  const auto f = before.get<Activation>();
  if (uses_.sole(node.inputs[4]) != index)
    return note(index, fmt::format("kept the derivative of {} apart: it has other readers", describe(f)));
  if (const auto reason = policy_.against_norm_grad(graph_, node, f); !reason.empty())
    return note(index, fmt::format("kept the derivative of {} apart: {}", describe(f), reason));
  note(index, fmt::format("fused the derivative of {}", describe(f)));
  plans_[index] = {.bias = -1,
                   .epilogue = {},
                   .last = index,
                   .grad_y = before.inputs[0],
                   .dy = before.inputs[1],
                   .grad = f};
  absorbed_.insert(producer);
}

/// Activations and their derivatives that no plan took in.
void EpilogueFuser::note_leftovers() {
  const auto explained = [&](int producer) {
    return plans_.contains(producer) || absorbed_.contains(producer);
  };
  for (int i = 0; i < node_count(); ++i) {
    const Node& node = graph_.node(i);
    if (absorbed_.contains(i)) continue;
    if (node.op == Op::activation) {
      const Node& before = graph_.producer(node.inputs[0]);
      if (!explained(graph_.value(node.inputs[0]).producer) && !is_contraction(before.op))
        note(i, fmt::format("kept {} apart: it follows {}", describe(node.get<Activation>()),
                            name_of(before.op)));
    }
    if (node.op == Op::activation_grad) {
      const int reader = sole_reader(i);
      if (reader < 0)
        note(i, fmt::format("kept {} apart: it has several readers", describe(node.get<Activation>())));
      else if (graph_.node(reader).op != Op::batch_norm_grad)
        note(i, fmt::format("kept {} apart: its reader is {}, and only batch norm's backward takes it in",
                            describe(node.get<Activation>()), name_of(graph_.node(reader).op)));
    }
  }
}

Fused EpilogueFuser::run() {
  for (int i = 0; i < node_count(); ++i) {
    const Op op = graph_.node(i).op;
    if (is_contraction(op)) plan_contraction(i);
    if (op == Op::batch_norm_train) plan_norm(i);
    if (op == Op::batch_norm_grad) plan_norm_grad(i);
  }
  note_leftovers();
  Rewriter rewriter(graph_);
  for (int i = 0; i < node_count(); ++i) {
    if (absorbed_.contains(i)) continue;
    const Node& old = graph_.node(i);
    const auto found = plans_.find(i);
    if (found == plans_.end()) {
      rewriter.copy(old);
      continue;
    }
    const Plan& plan = found->second;
    Node source = old;
    if (plan.bias >= 0) source.inputs.push_back(plan.bias);
    if (plan.grad_y >= 0) {
      source.inputs[4] = plan.dy;
      source.inputs.push_back(plan.grad_y);
    }
    source.fusion = {.bias = plan.bias >= 0, .epilogue = plan.epilogue, .grad = plan.grad};
    rewriter.copy(source);
    const int fused = rewriter.at(old.outputs[0]);
    rewriter.bind(graph_.node(plan.last).outputs[0], fused);
  }
  return {rewriter.finish(), std::move(notes_)};
}

}  // namespace

Fused fuse_epilogues(const Graph& graph, const FusionPolicy& policy) {
  return EpilogueFuser(graph, policy).run();
}

}  // namespace agon
