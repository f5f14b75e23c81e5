#include "programs_twins.h"

#include "catch.h"
#include "programs.h"

// Broken: anything between the parser and the lanes: a register given away too early, lanes that meet at the
// wrong place, an instruction of the wrong width.
TEST_CASE("algorithms give the same words on host and device", "[programs]") {
  constexpr int n = 300;
  for (const programs::Twin& twin : programs::twins()) {
    INFO(twin.name);
    programs::DeviceArray<uint64_t> results(n);
    twin.device(results.data(), n);
    programs::finish();
    const std::vector<uint64_t> found = results.host();
    int wrong = 0;
    for (uint32_t seed = 0; seed < n; ++seed) wrong += found[seed] != twin.host(seed);
    CHECK(wrong == 0);
  }
}
