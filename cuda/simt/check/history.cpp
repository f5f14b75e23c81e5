#include "cuda/simt/check/history.h"

#include <utility>

namespace agon::simt {

OperationId History::begin(std::size_t chain, Clock known) {
  const auto id = static_cast<OperationId>(chain_of_.size());
  // Between the oldest and the newest operation that are not known to have finished order must be asked for.
  floor_ = id - 1;
  ceiling_ = 0;
  for (std::size_t c = 0; c < chains_.size(); ++c) {
    if (known[c] >= newest(c)) continue;
    ceiling_ = std::max(ceiling_, newest(c));
    floor_ = std::min(floor_, *std::upper_bound(chains_[c].begin(), chains_[c].end(), known[c]) - 1);
  }
  chain_of_.push_back(static_cast<std::uint16_t>(chain));
  if (chain >= chains_.size()) chains_.resize(chain + 1);
  chains_[chain].push_back(id);
  clock_ = std::move(known);
  clock_.raise(chain, id);
  return id;
}

}  // namespace agon::simt
