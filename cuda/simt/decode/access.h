#pragma once
#include "cuda/simt/decode/statement.h"

namespace agon::simt::ptx {

/// What loads, stores and atomics say about an access.
struct Access {
  Space space = Space::generic;
  Order order = Order::weak;
  Scope scope = Scope::gpu;
};

/// Takes order, scope, space and cache hints from a statement's modifiers.
Access take_access(StatementDecoder& s);
void set_access(Instruction& i, const Access& access);
/// Takes a cache policy if it stands at this operand: a hint, which changes no result.
void drop_cache_policy(StatementDecoder& s, size_t operand);

}  // namespace agon::simt::ptx
