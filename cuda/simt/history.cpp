#include "cuda/simt/history.h"

#include <utility>

namespace agon::simt {

OperationId History::begin(std::size_t chain, Clock known) {
  const auto id = static_cast<OperationId>(chain_of_.size());
  floor_ = id - 1;
  for (std::size_t c = 0; c < last_.size(); ++c) {
    if (known[c] < last_[c]) floor_ = std::min(floor_, known[c]);
  }
  chain_of_.push_back(static_cast<std::uint16_t>(chain));
  if (chain >= last_.size()) last_.resize(chain + 1);
  last_[chain] = id;
  clock_ = std::move(known);
  clock_.raise(chain, id);
  return id;
}

}  // namespace agon::simt
