// From what a host thread has tallied to counters.
#pragma once

#include "cuda/simt/machine/worker.h"

namespace agon::simt {

void add_tallies(Counters& counters, const Worker& worker);

}  // namespace agon::simt
