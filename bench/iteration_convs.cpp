#include "iteration_convs.h"

#include <algorithm>

#include "agon/game.h"

#include "graph/passes/passes.h"

namespace agon::bench {
namespace {

/// The convolution that a node computes a pass of; x and y are the images in front of it and behind it.
ConvProblem problem_of(const Node& node, const Shape& x, const Shape& w, const Shape& y) {
  const auto& window = node.get<Window>();
  check(window.rank == 2 && window.groups == 1 && window.dilation[0] == 1 && window.dilation[1] == 1,
        ErrorKind::unsupported, "agon_conv_bound: '{}' has groups, dilation or another rank than 2",
        node.name);
  ConvProblem problem{x[0],
                      x[3],
                      x[1],
                      x[2],
                      w[0],
                      w[1],
                      w[2],
                      window.stride[0],
                      window.stride[1],
                      window.pad_lo[0],
                      window.pad_lo[1]};
  if (problem.oh() != y[1] || problem.ow() != y[2]) {
    problem.out_h = y[1];
    problem.out_w = y[2];
  }
  return problem;
}

ConvUse use_of(const Graph& graph, const Node& node) {
  const Shape &a = graph.value(node.inputs[0]).shape, &b = graph.value(node.inputs[1]).shape,
              &out = graph.value(node.outputs[0]).shape;
  switch (node.op) {
    case Op::conv:
      return {node.name, problem_of(node, a, b, out), ConvPass::forward, 1};
    case Op::conv_input_grad:
      return {node.name, problem_of(node, out, b, a), ConvPass::backward_data, 1};
    default:
      return {node.name, problem_of(node, a, out, b), ConvPass::backward_weights, 1};
  }
}

}  // namespace

std::vector<ConvUse> iteration_convs(const Config& config, int64_t batch) {
  const Graph graph = remove_dead(simplify(remove_dead(Game(config).iteration(batch))));
  std::vector<ConvUse> uses;
  for (const Node& node : graph.nodes()) {
    if (node.op != Op::conv && node.op != Op::conv_input_grad && node.op != Op::conv_weight_grad) continue;
    ConvUse use = use_of(graph, node);
    const auto known = std::ranges::find_if(uses, [&](const ConvUse& other) {
      return other.pass == use.pass && other.problem.str() == use.problem.str();
    });
    if (known == uses.end())
      uses.push_back(std::move(use));
    else
      ++known->count;
  }
  return uses;
}

}  // namespace agon::bench
