#pragma once
#include <CLI/CLI.hpp>
#include <functional>

namespace agon::app {

/// What a parsed command line asks for; returns the exit code. Errors are thrown.
using Job = std::function<int()>;

// Exit codes besides those of errors (see README.md, "Exit codes").
constexpr int exit_done = 0, exit_failed = 1, exit_usage = 2, exit_interrupted = 130;

// Each adds its command to `app` and sets `job` when that command is given.
void add_train(CLI::App& app, Job& job);
void add_sample(CLI::App& app, Job& job);
void add_eval(CLI::App& app, Job& job);
void add_presets(CLI::App& app, Job& job);
void add_data(CLI::App& app, Job& job);
void add_bench(CLI::App& app, Job& job);
void add_profile(CLI::App& app, Job& job);
void add_doctor(CLI::App& app, Job& job);

}  // namespace agon::app
