#include "cuda/simt/decode/draft.h"

namespace agon::simt::ptx {

int32_t ConstantPool::reserve(bool wide) {
  if (wide && lines_.size() % 2 != 0) lines_.emplace_back();
  const auto line = static_cast<int32_t>(lines_.size());
  lines_.resize(lines_.size() + (wide ? 2 : 1));
  return ~line;
}

void ConstantPool::set(int32_t operand, bool wide, uint64_t value) {
  const auto line = static_cast<size_t>(~operand);
  const auto low = static_cast<uint32_t>(value), high = static_cast<uint32_t>(value >> 32);
  for (size_t i = 0; i < 32; ++i) {
    lines_[line].lanes[i] = wide && i % 2 ? high : low;
    if (wide) lines_[line + 1].lanes[i] = i % 2 ? high : low;
  }
}

int32_t ConstantPool::add32(uint32_t value) {
  const auto [at, added] = narrow_.emplace(value, 0);
  if (added) set(at->second = reserve(false), false, value);
  return at->second;
}

int32_t ConstantPool::add64(uint64_t value) {
  const auto [at, added] = wide_.emplace(value, 0);
  if (added) set(at->second = reserve(true), true, value);
  return at->second;
}

}  // namespace agon::simt::ptx
