#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "agon/error.h"

#include "app/command.h"
#include "core/nearest.h"

namespace agon::app {
namespace {

/// One line, whatever the message held.
int complain(std::string message, int code) {
  std::ranges::replace(message, '\n', ' ');
  fmt::print(stderr, "{}{}\n", message.starts_with("agon") ? "" : "agon: ", message);
  return code;
}

/// The command named on the line, or the program itself.
CLI::App& innermost(CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : innermost(*parsed.front());
}

std::string title(CLI::App& app) {
  return app.get_parent() ? title(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

std::vector<std::string> command_names(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string explain(CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& arguments) {
  CLI::App& command = innermost(app);
  const std::string where = title(command);
  const bool wants_command = !command_names(command).empty();
  if (wants_command) {
    // What follows the command on the line is what was meant as the next one.
    const auto at =
        &command == &app ? arguments.begin() : std::ranges::find(arguments, command.get_name()) + 1;
    if (at >= arguments.end())
      return fmt::format("{}: name a command: {}; see {} --help", where,
                         fmt::join(command_names(command), ", "), where);
    if (!at->starts_with("-"))
      return fmt::format("{}: unknown command '{}'{}", where, *at, suggestion(*at, command_names(command)));
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    const auto extras = app.remaining(true);
    if (extras.empty()) return fmt::format("{}: {}; see {} --help", where, error.what(), where);
    if (extras.front().starts_with("-")) {
      const std::string name = extras.front().substr(0, extras.front().find('='));
      return fmt::format("{}: unknown option '{}'{}", where, name, suggestion(name, option_names(command)));
    }
    return fmt::format("{}: one argument too many: '{}'; see {} --help", where, extras.front(), where);
  }
  return fmt::format("{}: {}; see {} --help", where, error.what(), where);
}

int run(int argc, char** argv) {
  CLI::App app("Trains, samples and evaluates generative adversarial networks.", "agon");
  app.set_version_flag("--version", "agon 0.1.0");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 the run failed, 2 the command line or the config is wrong,\n"
      "130 interrupted (a checkpoint is written first; agon train --resume RUN goes on).");
  Job job;
  add_train(app, job);
  add_sample(app, job);
  add_eval(app, job);
  add_presets(app, job);
  add_data(app, job);
  add_bench(app, job);
  add_profile(app, job);
  add_doctor(app, job);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    return complain(explain(app, error, {argv + 1, argv + argc}), exit_usage);
  }
  return job();
}

}  // namespace
}  // namespace agon::app

int main(int argc, char** argv) {
  using namespace agon;
  // A file that may not grow and a closed pipe are errors with a message, not silent deaths.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return app::run(argc, argv);
  } catch (const Error& error) {
    return app::complain(error.what(), error.kind() == ErrorKind::usage ? app::exit_usage : app::exit_failed);
  } catch (const std::bad_alloc&) {
    return app::complain("out of memory; a smaller train.batch_size needs less", app::exit_failed);
  } catch (const std::exception& error) {
    return app::complain(fmt::format("internal error: {}", error.what()), app::exit_failed);
  }
}
