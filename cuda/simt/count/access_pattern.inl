// Compares an access with the one before it. Included where an instruction set has been chosen.

// Whether the lanes lie to each other, and the base to multiples of `phases` + 1, as the last time.
template <std::uint32_t phases, class Address>
AGON_SIMT_INLINE bool as_before(const AccessPattern& pattern, const Address* address, std::uint32_t mask) {
  if (pattern.lanes != mask) return false;
  const Address base = address[std::countr_zero(mask)];
  if ((pattern.phase ^ base) & phases) return false;
  std::uint32_t differs = 0, far = 0;
  for (int i = 0; i < warp_lanes; ++i) {
    const Address distance = address[i] - base;
    const std::uint32_t on = mask >> i & 1 ? all_lanes : 0;
    differs |= (static_cast<std::uint32_t>(distance) ^ pattern.distance[i]) & on;
    if constexpr (sizeof(Address) == 8)
      far |= static_cast<std::uint32_t>((distance + 0x80000000ull) >> 32) & on;
  }
  return (differs | far) == 0;
}
