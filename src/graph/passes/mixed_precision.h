#pragma once
#include "agon/graph.h"

namespace agon {

/// Mixed precision, as a choice of how values are stored. Contractions of batch data multiply bf16 and sum in
/// f32; what lies between them (activations and their gradients, through pointwise ops and norms) is
/// stored as bf16. f32 stay: states (master weights, optimizer slots, statistics), weight gradients,
/// per-channel vectors, what losses and other reductions read and the pointwise ops in front of those,
/// outputs, and contractions of weights alone (power iterations).
///
/// What a backend's kernels must take for it: contractions, norms and pointwise ops read and write bf16,
/// sums over all but the channels read it; all of them compute in f32. A kernel that reads or writes bf16
/// converts by itself, so casts are nodes only where a contraction reads what stays f32: inputs once,
/// parameters once a version, the whole flat buffer at a time. Run after fusion.
Graph mixed_precision(const Graph& graph);

}  // namespace agon
