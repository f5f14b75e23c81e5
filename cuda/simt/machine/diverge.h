// The lanes of a warp that run apart: how they part at branches, meet again at joins, wait, and leave.
#pragma once

#include "cuda/simt/machine/worker.h"

namespace agon::simt {

// Lanes `taken` of the running split go to `target`, the others to `rest`; they meet again at `join` (null:
// nowhere before the kernel's end). Returns where the running split goes on, or null if none of it is left.
const Step* diverge(Warp& w, std::uint32_t taken, const Step* target, const Step* rest, const Step* join);

// The running split has come to a join it runs towards. True: it goes on, with all lanes expected there.
bool arrive(Warp& w);

// Lanes of the running split leave the kernel. Lanes that waited for none but them at a join go on.
void leave(Warp& w, std::uint32_t lanes);

// Puts the running split aside; `exec`: its lanes that wait, for states other than ready.
void park(Warp& w, const Step* at, Split::State state, std::uint32_t exec = 0);

// Makes a ready split the running one and returns where it goes on; null if none is ready.
const Step* resume(Warp& w);

}  // namespace agon::simt
