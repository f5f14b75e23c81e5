// Instructions that lanes of a warp do together: those that a mask names meet, wherever they run, and then
// act.
#pragma once

#include "cuda/simt/machine/worker.h"

namespace agon::simt {

// Acts for the lanes Warp::exec, which are all that their masks (by lane) name and that are alive.
using Together = void (*)(Warp&, const Step*, const std::uint32_t* mask);

// `mask_at`: offset of the lanes' masks. Lanes may name disjoint groups. A lane that runs it and is not in
// its own mask is a fault, and so is one that is named, alive and passes by.
const Step* collect(Warp& w, const Step* s, std::uint32_t mask_at, Together act);

// The same for .sync.aligned instructions of the whole warp.
const Step* collect_warp(Warp& w, const Step* s, Together act);

}  // namespace agon::simt
