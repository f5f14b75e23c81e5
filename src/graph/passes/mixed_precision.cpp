#include "graph/passes/mixed_precision.h"

#include <algorithm>
#include <map>
#include <ranges>

#include "graph/alias.h"
#include "graph/passes/rewrite.h"

namespace agon {
namespace {

bool is_contraction(Op op) {
  return op == Op::matmul || op == Op::conv || op == Op::conv_input_grad || op == Op::conv_weight_grad;
}

bool is_pointwise(Op op) {
  return is_elementwise(op) || op == Op::elementwise;
}

bool is_norm(Op op) {
  return op == Op::batch_norm_train || op == Op::batch_norm_grad || op == Op::sample_norm ||
         op == Op::sample_norm_grad;
}

/// Ops that pass on what they read, element by element, or channel by channel or sample by sample.
bool passes_on(Op op) {
  return is_pointwise(op) || is_norm(op);
}

bool is_reduction(Op op) {
  return op == Op::reduce_sum || op == Op::reduce_max || op == Op::softmax || op == Op::log_softmax ||
         op == Op::loss || op == Op::gradient_penalty;
}

/// A sum over all axes but the last.
bool sums_channels(const Graph& graph, const Node& node) {
  const std::vector<int>& axes = node.get<AxesAttr>().axes;
  const int rank = graph.value(node.inputs[0]).shape.rank();
  return static_cast<int>(axes.size()) == rank - 1 && std::ranges::find(axes, rank - 1) == axes.end();
}

/// Whether a kernel takes its operand `input` as bf16.
bool reads_bf16(const Graph& graph, const Node& node, size_t input) {
  switch (node.op) {
    case Op::batch_norm_train:
    case Op::sample_norm:
      return input == 0;
    case Op::sample_norm_grad:
      return input == 0 || input == 3;
    case Op::batch_norm_grad:
      return input == 0 || input == 4 || input == 5;
    case Op::reduce_sum:
      return sums_channels(graph, node);
    default:
      return is_contraction(node.op) ? input < 2 : is_pointwise(node.op);
  }
}

/// Whether a kernel can give its result `output` as bf16.
bool writes_bf16(const Node& node, int output) {
  switch (node.op) {
    case Op::matmul:
    case Op::conv:
    case Op::conv_input_grad:
    case Op::batch_norm_train:
    case Op::batch_norm_grad:
    case Op::sample_norm:
    case Op::sample_norm_grad:
    case Op::spectral_norm:
      return output == 0;
    default:
      return is_pointwise(node.op);
  }
}

class MixedPrecision {
 public:
  explicit MixedPrecision(const Graph& graph)
      : graph_(graph),
        root_(count()),
        from_batch_(count(), false),
        reaches_(count(), false),
        wide_(count(), false),
        narrow_(count(), false),
        rewriter_(graph) {}

  Graph run() {
    find_roots();
    find_batch_data();
    find_readers();
    for (size_t id = 0; id < count(); ++id) narrow_[id] = chooses_narrow(static_cast<int>(id));
    for (const Node& node : graph_.nodes()) copy(node);
    return rewriter_.finish();
  }

 private:
  static size_t at(int id) { return static_cast<size_t>(id); }
  size_t count() const { return static_cast<size_t>(graph_.value_count()); }
  size_t root(int id) const { return at(root_[at(id)]); }
  bool multiplies_narrow(const Node& node) const {
    return is_contraction(node.op) && (from_batch_[at(node.inputs[0])] || from_batch_[at(node.inputs[1])]);
  }

  void find_roots();
  void find_batch_data();
  void find_readers();
  bool chooses_narrow(int id) const;
  void copy(const Node& node);
  int narrowed(int id);

  const Graph& graph_;
  std::vector<int> root_;         ///< the value whose memory a view shows; itself if it is none
  std::vector<bool> from_batch_;  ///< depends on inputs or random numbers, not on states alone
  std::vector<bool> reaches_;     ///< by root: a contraction reads it or what is pointwise made of it
  std::vector<bool> wide_;        ///< by root: something needs it in f32
  std::vector<bool> narrow_;      ///< is stored as bf16
  std::map<int, int> casts_;      ///< value -> its bf16 copy in the new graph
  Rewriter rewriter_;
};

void MixedPrecision::find_roots() {
  for (size_t id = 0; id < count(); ++id) root_[id] = static_cast<int>(id);
  for (const Node& node : graph_.nodes())
    if (is_view(graph_, node)) root_[at(node.outputs[0])] = root_[at(node.inputs[0])];
}

void MixedPrecision::find_batch_data() {
  const std::vector<int> states = state_roots(graph_);
  for (const Node& node : graph_.nodes()) {
    bool batch = node.op == Op::input || node.op == Op::random_normal || node.op == Op::random_uniform ||
                 node.op == Op::random_bernoulli;
    for (int id : node.inputs) batch = batch || from_batch_[at(id)];
    for (int id : node.outputs) from_batch_[at(id)] = batch && states[at(id)] < 0;
  }
}

/// Backwards, so that what a node's results are read by is known before the node.
void MixedPrecision::find_readers() {
  std::vector<bool> reduced(count(), false);  // by root: in front of a reduction that reads f32
  for (const auto& [state, value] : graph_.assignments()) wide_[root(value)] = true;
  for (const auto& [name, value] : graph_.outputs()) wide_[root(value)] = true;
  for (const Node& node : std::views::reverse(graph_.nodes())) {
    if (is_view(graph_, node)) continue;
    const bool pointwise = passes_on(node.op), multiplies = multiplies_narrow(node);
    bool reaches = false, before_reduction = false;
    for (int id : node.outputs) {
      reaches = reaches || reaches_[root(id)];
      before_reduction = before_reduction || reduced[root(id)];
    }
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const size_t source = root(node.inputs[i]);
      if (reads_bf16(graph_, node, i) && (multiplies || !is_contraction(node.op))) {
        if ((multiplies && i < 2) || (pointwise && reaches)) reaches_[source] = true;
        if (pointwise && before_reduction && !is_norm(node.op)) reduced[source] = wide_[source] = true;
      } else {
        wide_[source] = true;
        if (is_reduction(node.op)) reduced[source] = true;
      }
    }
  }
}

bool MixedPrecision::chooses_narrow(int id) const {
  const size_t source = root(id);
  const ValueInfo& info = graph_.value(static_cast<int>(source));
  const Node& producer = graph_.node(info.producer);
  if (info.dtype != DType::f32 || info.shape.rank() < 2 || wide_[source] || !reaches_[source]) return false;
  if (is_contraction(producer.op) && !multiplies_narrow(producer)) return false;
  return !producer.inputs.empty() && writes_bf16(producer, info.port);
}

/// The bf16 copy of a value that is stored as f32: made where its memory begins, seen through the same views.
int MixedPrecision::narrowed(int id) {
  const auto [found, fresh] = casts_.try_emplace(id, -1);
  if (!fresh) return found->second;
  const Node& producer = graph_.producer(id);
  int made = -1;
  if (is_view(graph_, producer)) {
    Node view = producer;
    view.inputs = {narrowed(producer.inputs[0])};
    ValueInfo type = graph_.value(id);
    type.dtype = DType::bf16;
    made = rewriter_.to().adopt(std::move(view), std::array{type}).id();
  } else {
    const Graph::Scope scope(rewriter_.to(), producer.name);
    made = cast(rewriter_.value(id), DType::bf16).id();
  }
  return casts_[id] = made;
}

void MixedPrecision::copy(const Node& node) {
  Node copied = node;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const int id = node.inputs[i];
    const bool converts = i < 2 && multiplies_narrow(node) && !narrow_[at(id)];
    copied.inputs[i] = converts ? narrowed(id) : rewriter_.at(id);
  }
  auto types = rewriter_.types(node);
  for (size_t i = 0; i < types.size(); ++i)
    if (narrow_[at(node.outputs[i])]) types[i].dtype = DType::bf16;
  rewriter_.to().adopt(std::move(copied), types);
  const Node& made = rewriter_.to().nodes().back();
  for (size_t i = 0; i < node.outputs.size(); ++i) rewriter_.bind(node.outputs[i], made.outputs[i]);
}

}  // namespace

Graph mixed_precision(const Graph& graph) {
  return MixedPrecision(graph).run();
}

}  // namespace agon
