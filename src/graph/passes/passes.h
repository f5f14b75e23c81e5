#pragma once
#include <string>
#include <vector>

#include "agon/graph.h"

/// Graph-to-graph transforms that every backend's compile runs before lowering. Each keeps the order of
/// nodes.
namespace agon {

/// Folds constants, drops identities, merges equal nodes (the same random stream is equal to itself).
Graph simplify(const Graph& graph);

/// Keeps what outputs and assignments need, and every input, scalar and state: they are the program's
/// interface, so that a host may feed what a graph happens not to read.
Graph remove_dead(const Graph& graph);

/// Turns convolutions whose image or result is one pixel (a generator's first layer, a discriminator's last)
/// into matrix products over the flattened window.
Graph contract_to_matmul(const Graph& graph);

/// What a backend's kernels can absorb. Each answer is the reason against, empty for "can".
class FusionPolicy {
 public:
  virtual ~FusionPolicy() = default;
  /// A bias and/or activation behind the contraction `node`.
  virtual std::string against_epilogue(const Graph& graph, const Node& node, bool bias,
                                       Activation f) const = 0;
  /// The activation behind batch_norm_train.
  virtual std::string against_norm_epilogue(const Graph& graph, const Node& node, Activation f) const = 0;
  /// The activation's derivative in front of batch_norm_grad.
  virtual std::string against_norm_grad(const Graph& graph, const Node& node, Activation f) const = 0;
  /// Most operands and instructions of one elementwise kernel.
  virtual int max_operands() const { return 12; }
};

/// One thing that fusion did or declined, for explain.
struct FusionNote {
  std::string node;    ///< op and scope
  std::string action;  ///< "fused bias, leaky_relu" or "kept activation apart: <reason>"
};

struct Fused {
  Graph graph;
  std::vector<FusionNote> notes;
};

/// Contraction + bias + activation, batch norm + activation and the backward of it.
Fused fuse_epilogues(const Graph& graph, const FusionPolicy& policy);

/// Chains of elementwise ops over one shape become single `elementwise` nodes.
Graph fuse_elementwise(const Graph& graph, const FusionPolicy& policy);

/// All of the above in order. With `fuse` false only the first three.
Fused optimise(const Graph& graph, const FusionPolicy& policy, bool fuse);

}  // namespace agon
