#include "cuda/simt/check/host.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cxxabi.h>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "agon/error.h"

namespace agon::simt {
namespace {

constexpr std::uint64_t page = 4096;
constexpr std::size_t ranges_limit = 8;
constexpr std::size_t accesses_limit = 64;

// What the signal handler reads and writes: fixed places, no locks, no allocation.
struct Watched {
  std::atomic<std::uint64_t> base{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::size_t> count{0};
  HostAccess accesses[accesses_limit];
};
Watched watched[ranges_limit];
struct sigaction previous;
std::mutex mutex;
int users = 0;

std::uint64_t instruction_of(const void* context) {
#if defined(__x86_64__)
  return static_cast<std::uint64_t>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return static_cast<const ucontext_t*>(context)->uc_mcontext.pc;
#else
  return 0;
#endif
}

void on_fault(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<std::uint64_t>(info->si_addr);
  for (Watched& range : watched) {
    const std::uint64_t base = range.base.load();
    if (!base || address - base >= range.bytes.load()) continue;
    const std::size_t slot = range.count.fetch_add(1);
    if (slot >= accesses_limit) break;
    range.accesses[slot] = {address, instruction_of(context)};
    // An access may straddle two pages: it faults once more on the second.
    mprotect(reinterpret_cast<void*>(address / page * page), page, PROT_READ | PROT_WRITE);
    return;
  }
  // Not ours: as if we had never been here. On return the instruction faults again.
  sigaction(signal, &previous, nullptr);
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) && action.sa_sigaction == on_fault;
}

// Programs come and go with handlers of their own (test frameworks do at every test): ours is put before the
// one that is there now.
void hold_handler() {
  struct sigaction now = {};
  sigaction(SIGSEGV, nullptr, &now);
  if (is_ours(now)) return;
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  previous = now;
  sigaction(SIGSEGV, &action, nullptr);
}

void drop_handler() {
  struct sigaction now = {};
  sigaction(SIGSEGV, nullptr, &now);
  if (is_ours(now)) sigaction(SIGSEGV, &previous, nullptr);
}

}  // namespace

void watch_host_accesses(std::uint64_t base, std::uint64_t bytes) {
  const std::lock_guard lock(mutex);
  for (Watched& range : watched) {
    if (range.base.load()) continue;
    range.bytes = bytes;
    range.count = 0;
    range.base = base;
    ++users;
    hold_handler();
    return;
  }
  fail(ErrorKind::internal, "simt: more than {} simulated devices at a time", ranges_limit);
}

void unwatch_host_accesses(std::uint64_t base) {
  const std::lock_guard lock(mutex);
  for (Watched& range : watched) {
    if (range.base.load() != base) continue;
    range.base = 0;
    if (--users == 0) drop_handler();
    return;
  }
}

std::vector<HostAccess> take_host_accesses(std::uint64_t base) {
  hold_handler();
  std::vector<HostAccess> accesses;
  for (Watched& range : watched) {
    if (range.base.load() != base || range.count.load() == 0) continue;
    const std::size_t count = std::min(range.count.load(), accesses_limit);
    for (std::size_t i = 0; i < count; ++i) {
      accesses.push_back(range.accesses[i]);
      mprotect(reinterpret_cast<void*>(range.accesses[i].address / page * page), page, PROT_NONE);
    }
    range.count = 0;
  }
  return accesses;
}

std::string describe_code(std::uint64_t code) {
  Dl_info info = {};
  if (!dladdr(reinterpret_cast<void*>(code), &info) || !info.dli_fname) return {};
  const std::string module = std::filesystem::path(info.dli_fname).filename();
  if (!info.dli_sname)
    return fmt::format("{}+{:#x}", module, code - reinterpret_cast<std::uint64_t>(info.dli_fbase));
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> readable(
      abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), std::free);
  return fmt::format("{}+{:#x} in {}", status == 0 ? readable.get() : info.dli_sname,
                     code - reinterpret_cast<std::uint64_t>(info.dli_saddr), module);
}

}  // namespace agon::simt
