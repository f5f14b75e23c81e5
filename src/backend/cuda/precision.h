#pragma once
#include "graph/passes/mixed_precision.h"

namespace agon::device {

/// Contractions, batch norm and pointwise kernels read and write bf16; sums over all but the channels read
/// it.
class CudaPrecision : public PrecisionPolicy {
 public:
  bool reads_bf16(const Graph& graph, const Node& node, size_t input) const override;
  bool writes_bf16(const Graph& graph, const Node& node, size_t output) const override;
};

}  // namespace agon::device
