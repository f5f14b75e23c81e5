// What the scheduler asks of barriers.
#pragma once

#include "cuda/simt/machine/worker.h"

namespace agon::simt {

// Called when no lane of the warp can run: it has then arrived at a barrier, or never will.
void settle(Warp& w);

// All lanes of a warp have left: barriers wait for one less.
void warp_left(Block& block);

}  // namespace agon::simt
