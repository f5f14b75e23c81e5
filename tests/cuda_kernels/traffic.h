#pragma once
#include <functional>
#include <nlohmann/json.hpp>

#include "cuda_kernels/support.h"

/// Counting what memory-bound kernels move.
namespace agon::test {

/// What launches moved, as the simulator counts it.
struct Traffic {
  double loaded = 0, stored = 0;         ///< bytes of all sectors asked for
  double distinct = 0;                   ///< bytes, each counted once
  double load_use = 1, store_use = 1;    ///< share of those that was wanted
  double conflicts = 0, wavefronts = 0;  ///< of shared memory
};

using Counters = const char* (*)();
using Clear = void (*)();

inline bool have_counters(const char* test) {
  if (!have_device(test)) return false;
  if (dlsym(RTLD_DEFAULT, "agon_simt_counters") != nullptr) return true;
  std::printf("skipped: %s: a device that does not count\n", test);
  return false;
}

inline Traffic count(const std::function<void()>& launch) {
  succeed(cudaDeviceSynchronize());
  reinterpret_cast<Clear>(dlsym(RTLD_DEFAULT, "agon_simt_clear_counters"))();
  launch();
  succeed(cudaDeviceSynchronize());
  const auto json =
      nlohmann::json::parse(reinterpret_cast<Counters>(dlsym(RTLD_DEFAULT, "agon_simt_counters"))());
  Traffic t;
  double load_bytes = 0, store_bytes = 0;
  for (const auto& kernel : json["kernels"]) {
    const auto& c = kernel["counters"];
    for (const auto& part : c["touched"])
      t.distinct += part["read"].get<double>() + part["written"].get<double>();
    t.loaded += 32 * c["global_load"]["sectors"].get<double>();
    t.stored += 32 * c["global_store"]["sectors"].get<double>();
    load_bytes += c["global_load"]["bytes"].get<double>();
    store_bytes += c["global_store"]["bytes"].get<double>();
    t.conflicts += c["bank_conflicts"].get<double>();
    t.wavefronts += c["shared_wavefronts"].get<double>();
  }
  if (t.loaded > 0) t.load_use = load_bytes / t.loaded;
  if (t.stored > 0) t.store_use = store_bytes / t.stored;
  return t;
}

/// Windows overlap: what neighbours read again comes from the caches, and is not counted again.
enum class Count { requests, distinct };

/// The bar of memory-bound kernels: at most 1.10 times the fewest bytes, 95 % of every sector used.
inline void check(const std::string& name, double fewest, const std::function<void()>& launch,
                  Count what = Count::requests) {
  const Traffic t = count(launch);
  const double moved = (what == Count::requests ? t.loaded + t.stored : t.distinct) / fewest;
  const double use = (t.loaded * t.load_use + t.stored * t.store_use) / (t.loaded + t.stored);
  INFO(name << ": " << moved << " of the fewest bytes, " << use << " of each sector used, " << t.conflicts
            << " of " << t.wavefronts << " shared wavefronts are conflicts");
  if (std::getenv("AGON_PRINT_TRAFFIC") != nullptr)
    std::printf("%-28s bytes %.3f  sectors used %.3f  conflicts %.0f of %.0f\n", name.c_str(), moved, use,
                t.conflicts, t.wavefronts);
  CHECK(moved > 0.5);
  CHECK(moved <= 1.10);
  CHECK(use >= 0.95);
}

constexpr int64_t count_of = 1 << 18;  // 1 MiB of f32
constexpr double mib = 4.0 * count_of;

}  // namespace agon::test
