#include "cuda/simt/count/access.h"

#include <bit>
#include <fmt/format.h>

namespace agon::simt {

namespace {

Access kind_of_access(const Instruction& in, bool write) {
  if (in.order == Order::weak) return write ? Access::write : Access::read;
  return write ? Access::strong_write : Access::strong_read;
}

// Device addresses are what Memory has reserved; others must be registered host memory.
void check_foreign(Warp& w, const Step* s, const std::uint64_t* address, std::uint32_t bytes,
                   std::uint32_t mask) {
  std::uint64_t outside = 0;
  const std::uint64_t base = w.worker->memory.base();
  for (int i = 0; i < warp_lanes; ++i)
    outside |= mask >> i & 1 ? std::uint64_t{address[i] - base >= Memory::range_bytes} : 0;
  if (!outside) return;
  for (std::uint32_t left = mask; left; left &= left - 1) {
    const int i = std::countr_zero(left);
    if (w.worker->memory.in_range(address[i])) continue;
    if (!w.worker->memory.valid(address[i], bytes))
      stop(w, s, FaultKind::out_of_bounds, 1u << i, "an address that is no memory of the device", address[i]);
    w.worker->foreign = true;
  }
}

template <class Address>
void check_aligned(Warp& w, const Step* s, const Address* address, std::uint32_t bytes) {
  Address low = 0;
  for (int i = 0; i < warp_lanes; ++i) low |= w.exec >> i & 1 ? address[i] & (bytes - 1) : 0;
  if (!low) return;
  for (std::uint32_t left = w.exec; left; left &= left - 1) {
    const int i = std::countr_zero(left);
    if (address[i] & (bytes - 1))
      stop(w, s, FaultKind::misaligned, 1u << i, fmt::format("an access of {} bytes", bytes), address[i]);
  }
}

void check_inside(Warp& w, const Step* s, const std::uint32_t* offset, std::uint32_t bytes,
                  std::uint32_t size, const char* what) {
  std::uint32_t outside = 0;
  for (int i = 0; i < warp_lanes; ++i)
    outside |= w.exec >> i & 1 ? std::uint32_t{std::uint64_t{offset[i]} + bytes > size} : 0;
  if (!outside) return;
  for (std::uint32_t left = w.exec; left; left &= left - 1) {
    const int i = std::countr_zero(left);
    if (std::uint64_t{offset[i]} + bytes > size)
      stop(w, s, FaultKind::out_of_bounds, 1u << i,
           fmt::format("{} bytes behind {} bytes of {} memory", bytes, size, what), offset[i]);
  }
}

}  // namespace

std::uint32_t admit_global(Warp& w, const Step* s, const std::uint64_t* address, std::uint32_t bytes,
                           Access access) {
  if (BlockChecker* checker = w.block->checker) {
    const Order order = s->in->order;
    if (order >= Order::release && access != Access::strong_read) checker->fence(site_of(w, s));
    const std::uint32_t mask = checker->global(site_of(w, s), access, address, bytes);
    if (order >= Order::acquire && order != Order::release && access != Access::strong_write)
      checker->fence(site_of(w, s));
    check_foreign(w, s, address, bytes, mask);
    return mask;
  }
  check_aligned(w, s, address, bytes);
  check_foreign(w, s, address, bytes, w.exec);
  return w.exec;
}
std::uint32_t admit_shared(Warp& w, const Step* s, const std::uint32_t* offset, std::uint32_t bytes,
                           Access access) {
  if (w.block->checker) return w.block->checker->shared(site_of(w, s), access, offset, bytes);
  check_aligned(w, s, offset, bytes);
  check_inside(w, s, offset, bytes, w.block->shared_bytes, "shared");
  return w.exec;
}
std::uint32_t admit_local(Warp& w, const Step* s, const std::uint32_t* offset, std::uint32_t bytes,
                          bool write) {
  if (w.block->checker)
    return w.block->checker->local(site_of(w, s), write ? Access::write : Access::read, offset, bytes);
  check_aligned(w, s, offset, bytes);
  check_inside(w, s, offset, bytes, w.worker->run.code.kernel.local_bytes, "a thread's local");
  return w.exec;
}

std::uint32_t admit_global(Warp& w, const Step* s, const std::uint64_t* address, std::uint32_t bytes,
                           bool write) {
  return admit_global(w, s, address, bytes, kind_of_access(*s->in, write));
}
std::uint32_t admit_shared(Warp& w, const Step* s, const std::uint32_t* offset, std::uint32_t bytes,
                           bool write) {
  return admit_shared(w, s, offset, bytes, kind_of_access(*s->in, write));
}

void count_global(Warp& w, const std::uint64_t* address, const AccessPattern& pattern, bool write) {
  Worker& worker = *w.worker;
  Traffic& traffic = write ? worker.counters.global_store : worker.counters.global_load;
  ++traffic.requests;
  traffic.sectors += pattern.sectors;
  traffic.bytes += pattern.bytes;
  const std::uint64_t base = address[std::countr_zero(w.exec)];
  for (std::uint32_t run = 0; run < pattern.runs; ++run) {
    const std::uint64_t first = base + static_cast<std::uint64_t>(pattern.run_first[run]);
    if (write)
      worker.run.touch->write(first, pattern.run_bytes[run]);
    else
      worker.run.touch->read(first, pattern.run_bytes[run]);
  }
}

}  // namespace agon::simt
