#include <filesystem>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "agon/error.h"
#include "agon/program.h"

#include "app/command.h"
#include "app/format.h"
#include "app/machine.h"
#include "backend/cpu/cpu.h"
#include "backend/cuda/facts.h"

namespace agon::app {
namespace {

struct BackendState {
  std::string name, state;
  bool ready = false;
};

std::vector<BackendState> backend_states() {
  std::vector<BackendState> states;
  bool on_gpu = false;
  for (const std::string& name : backend_names()) {
    if (name == "simt" && on_gpu) {
      states.push_back({name, "not looked at: it needs a process that has not opened cuda", false});
      continue;
    }
    try {
      open_backend(name);
      on_gpu = on_gpu || name == "cuda";
      states.push_back({name, "ready", true});
    } catch (const Error& error) {
      states.push_back({name, error.what(), false});
    }
  }
  return states;
}

int doctor(bool as_json) {
  const Machine machine = this_machine();
  const auto backends = backend_states();
  const CudaFacts cuda = cuda_facts();
  std::error_code unknown;
  const auto space = std::filesystem::space(".", unknown);
  const bool writable = ::access(".", W_OK) == 0;
  if (as_json) {
    nlohmann::ordered_json json;
    json["processor"] = machine.processor;
    json["cores"] = machine.cores;
    json["instructions"] = machine.instructions;
    json["memory_bytes"] = machine.memory;
    json["memory_available_bytes"] = machine.memory_free;
    json["system"] = machine.system;
    json["onednn"] = cpu::onednn_version();
    json["disk_available_bytes"] = space.available;
    json["writable"] = writable;
    for (const auto& [label, value] : cuda.lines) json["cuda"][label] = value;
    json["cuda"]["problems"] = cuda.problems;
    for (const BackendState& b : backends)
      json["backends"][b.name] = {{"ready", b.ready}, {"state", b.state}};
    fmt::print("{}\n", json.dump(2));
    return exit_done;
  }
  const auto line = [](std::string_view label, const std::string& value) {
    fmt::print("{:<20}{}\n", label, value);
  };
  line("processor",
       fmt::format("{}, {} core{}", machine.processor, machine.cores, machine.cores == 1 ? "" : "s"));
  line("instructions",
       machine.instructions.empty() ? "no AVX2: training works, slowly" : machine.instructions);
  line("memory", fmt::format("{}, {} available", bytes_text(static_cast<double>(machine.memory)),
                             bytes_text(static_cast<double>(machine.memory_free))));
  line("system", machine.system);
  line("oneDNN", cpu::onednn_version());
  line("this folder", fmt::format("{} free, {}", bytes_text(static_cast<double>(space.available)),
                                  writable ? "writable" : "not writable: give --out another folder"));
  for (const auto& [label, value] : cuda.lines) line(label, value);
  for (const std::string& problem : cuda.problems) line("", problem);
  for (const BackendState& b : backends) line("--device " + b.name, b.state);
  return exit_done;
}

}  // namespace

void add_doctor(CLI::App& app, Job& job) {
  auto* command = app.add_subcommand("doctor", "what this machine offers, and what is missing");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "print JSON");
  command->callback([&job, as_json] { job = [as_json] { return doctor(*as_json); }; });
}

}  // namespace agon::app
