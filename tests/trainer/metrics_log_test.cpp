#include <fstream>
#include <limits>
#include <sstream>

#include "catch.h"
#include "gan/trainer_metrics.h"
#include "support/refusals.h"
#include "support/scratch.h"

using namespace agon;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

// A resumed run would repeat lines, or keep half a line that no reader understands.
TEST_CASE("metrics are cut back to the checkpoint") {
  Scratch scratch;
  const auto path = scratch / "metrics.jsonl";
  {
    MetricsLog log(path, 0);
    for (uint64_t step : {10, 20, 30}) log.append(step, {{"loss_D", 0.1 * static_cast<double>(step)}});
    log.sync();
  }
  std::ofstream(path, std::ios::app) << "{\"step\": 40, \"los";
  {
    MetricsLog log(path, 20);
    log.append(30, {{"loss_D", 7}});
  }
  CHECK(text_of(path) ==
        "{\"step\":10,\"loss_D\":1.0}\n{\"step\":20,\"loss_D\":2.0}\n{\"step\":30,\"loss_D\":7.0}\n");
  MetricsLog(path, 0);
  CHECK(text_of(path).empty());
}

// A number that JSON cannot hold would break every reader of the file.
TEST_CASE("a number that is not finite is written as null") {
  Scratch scratch;
  MetricsLog log(scratch / "metrics.jsonl", 0);
  log.append(1, {{"loss_D", std::numeric_limits<double>::quiet_NaN()}});
  CHECK(text_of(scratch / "metrics.jsonl") == "{\"step\":1,\"loss_D\":null}\n");
}

// A full disk would end in a crash or in silence.
TEST_CASE("metrics on a full disk are an error with a way on") {
  Scratch scratch;
  MetricsLog log(scratch / "metrics.jsonl", 0);
  FullDisk full(10);
  const std::string message = error_of(ErrorKind::io, [&] { log.append(1, {{"loss_D", 0.5}}); });
  CHECK(mentions(message, "--resume"));
}
