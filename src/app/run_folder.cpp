#include "app/run_folder.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "agon/error.h"

#include "app/machine.h"
#include "io/atomic_file.h"
#include "io/file.h"

namespace agon::app {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
  return text;
}

/// When the run began, if it did before.
std::string started(const fs::path& facts) {
  std::error_code unknown;
  if (fs::exists(facts, unknown)) {
    const auto bytes = read_file(facts);
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    const Json old = Json::parse(text, text + bytes.size(), nullptr, /*allow_exceptions=*/false);
    if (old.is_object() && old.contains("started") && old["started"].is_string())
      return old["started"].get<std::string>();
  }
  return now_utc();
}

}  // namespace

bool is_free(const fs::path& path) {
  std::error_code unknown;
  return !fs::exists(path, unknown) || (fs::is_directory(path, unknown) && fs::is_empty(path, unknown));
}

fs::path new_run_folder(const std::string& wanted, const std::string& name) {
  std::error_code unknown;
  if (!wanted.empty()) {
    check(is_free(wanted), ErrorKind::usage,
          "--out {}: exists and is not an empty folder; choose another, or go on with --resume {}", wanted,
          wanted);
    return wanted;
  }
  const fs::path base = fs::path("runs") / name;
  if (!fs::exists(base, unknown)) return base;
  for (int n = 2;; ++n) {
    const fs::path next = fmt::format("{}-{}", base.string(), n);
    if (!fs::exists(next, unknown)) return next;
  }
}

void write_run_facts(const fs::path& run, const Trainer& trainer, const std::string& status) {
  const Config& config = trainer.config();
  Json json;
  json["name"] = config.string("name");
  json["about"] = config.string("about");
  json["status"] = status;
  json["step"] = trainer.step();
  json["total_steps"] = trainer.total_steps();
  json["steps_per_epoch"] = trainer.steps_per_epoch();
  for (const auto& [network, count] : trainer.cost().parameters) json["parameters"][network] = count;
  json["peak_memory_bytes"] = peak_resident_bytes();
  json["data"] = trainer.data_text();
  json["device"] = fmt::format("{}, {}", config.string("device"), config.string("precision"));
  json["machine"] = describe(this_machine());
  json["version"] = "agon 0.1.0";
  json["started"] = started(run / "run.json");
  write_file(run / "run.json", json.dump(2) + "\n");
}

}  // namespace agon::app
