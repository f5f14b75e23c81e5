#include "graph/passes/passes.h"

namespace agon {

Fused optimise(const Graph& graph, const FusionPolicy& policy, bool fuse) {
  verify(graph);
  Graph clean = remove_dead(simplify(contract_to_matmul(remove_dead(graph))));
  if (!fuse) return {std::move(clean), {}};
  Fused fused = fuse_epilogues(clean, policy);
  fused.graph = fuse_elementwise(fused.graph, policy);
  verify(fused.graph);
  return fused;
}

}  // namespace agon
