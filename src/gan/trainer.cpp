#include "agon/trainer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "agon/error.h"
#include "agon/image.h"

#include "gan/trainer_calendar.h"
#include "gan/trainer_choices.h"
#include "gan/trainer_clock.h"
#include "gan/trainer_feed.h"
#include "gan/trainer_metrics.h"
#include "gan/trainer_run.h"
#include "gan/trainer_states.h"
#include "gan/trainer_watch.h"
#include "io/atomic_file.h"
#include "io/checkpoint.h"

namespace agon {

Precision precision_of(const Config& config) {
  const std::string name = config.string("precision");
  if (name == "bf16") return Precision::bf16;
  if (name == "tf32") return Precision::tf32;
  check(name == "f32", ErrorKind::usage, "{}: precision is '{}'; use f32, tf32 or bf16",
        config.where("precision"), name);
  return Precision::f32;
}
namespace {

namespace fs = std::filesystem;

/// A compiled iteration and what it is fed; lazy moves make several.
struct Variant {
  std::unique_ptr<Program> program;
  std::vector<GameInput> inputs;
};

}  // namespace

struct Trainer::Parts {
  Parts(Trainer& trainer, const Config& config, TrainerOptions options, TrainerHooks hooks);

  void prepare_directory();
  void compile();
  void restore();
  void train_step();
  bool settle_due() const;
  void settle();
  void account(const StepRecord& record, const std::vector<std::string>& names);
  void after_step();
  void draw_grid();
  void save();
  double seconds_left() const;

  Trainer& self;
  Config config;
  TrainerOptions options;
  TrainerHooks hooks;
  Game game;
  std::shared_ptr<Backend> backend;
  std::unique_ptr<Store> store;
  Feed feed;
  Calendar calendar;
  int64_t batch;
  uint64_t seed;
  std::optional<RunLock> lock;
  std::vector<Variant> variants;
  std::unique_ptr<Sampler> sampler;  ///< nullptr in a game without a generator
  RunCost cost;
  std::optional<MetricsLog> metrics;
  std::optional<StepClock> clock;
  Choices choices;  ///< of the programs' kernels
  uint64_t step = 0, saved = UINT64_MAX;
  Metrics values, losses;  ///< of the last step
};

Trainer::Parts::Parts(Trainer& trainer, const Config& run_config, TrainerOptions run_options,
                      TrainerHooks run_hooks)
    : self(trainer),
      config(run_config),
      options(std::move(run_options)),
      hooks(std::move(run_hooks)),
      game(config),
      backend(open_backend(config.string("device"))),
      store(backend->make_store()),
      feed(config, options.log),
      calendar(config, game, feed.loader().batches_per_epoch()),
      batch(config.integer("train.batch_size")),
      seed(static_cast<uint64_t>(config.integer("seed"))) {
  compile();
  prepare_directory();
  // A config that the checkpoint refuses must not replace the run's own.
  if (!options.resume) write_file(config_path(options.run), config.to_toml());
  restore();
  if (options.resume) write_file(config_path(options.run), config.to_toml());
  write_choices(options.run, choices);
}

void Trainer::Parts::compile() {
  CompileOptions compile_options;
  compile_options.seed = seed;
  compile_options.precision = precision_of(config);
  compile_options.tuning_file = options.tuning_file;
  compile_options.log = options.log;
  if (options.resume) compile_options.choices = read_choices(options.run);
  for (int v = 0; v < game.variants(); ++v) {
    IterationOptions iteration;
    iteration.variant = v;
    variants.push_back({backend->compile(game.iteration(batch, iteration), *store, compile_options),
                        game.inputs(batch, iteration)});
    const ProgramInfo& info = variants.back().program->info();
    cost.program_bytes += info.arena_bytes + info.workspace_bytes;
    choices.insert(info.choices.begin(), info.choices.end());
  }
  if (!game.generator().empty()) {
    sampler = std::make_unique<Sampler>(game, *backend, *store, config.integer("sample.count"), seed);
    cost.program_bytes += sampler->bytes();
  }
  game.initialise(*store, seed);
  for (const Network& network : game.networks())
    cost.parameters.emplace_back(network.name(), network.parameter_count());
  cost.state_bytes = store->bytes();
  cost.loader_bytes = feed.bytes();
}

void Trainer::Parts::prepare_directory() {
  make_folder(options.run);
  lock.emplace(options.run);
  check(options.resume || !fs::exists(config_path(options.run)), ErrorKind::usage,
        "{}: holds a run already; resume it, or choose another folder", options.run.string());
  make_folder(options.run / "samples");
  make_folder(checkpoints_path(options.run));
  for (const fs::path& folder : {options.run, options.run / "samples", checkpoints_path(options.run)})
    remove_leftovers(folder);
}

/// Goes to where the run's newest checkpoint stands; without one, to the start.
void Trainer::Parts::restore() {
  double seconds = 0;
  const fs::path folder = checkpoints_path(options.run);
  if (options.resume && !list_checkpoints(folder).empty()) {
    const Checkpoint checkpoint = newest_checkpoint(folder, options.log);
    const std::string where = (folder / checkpoint_name(checkpoint.step)).string();
    load_states(game, *store, checkpoint.tensors, where);
    check(checkpoint.at("config", where) == identity_of(config), ErrorKind::data,
          "{}: written with another config; a resumed run may change its length and intervals only", where);
    check(checkpoint.at("data", where) == feed.dataset().fingerprint(), ErrorKind::data,
          "{}: the data set {} is not the one that the run began with", where, config.string("data.spec"));
    feed.loader().seek({std::stoull(checkpoint.at("loader.epoch", where)),
                        std::stoull(checkpoint.at("loader.batch", where))});
    seconds = std::stod(checkpoint.at("seconds", where));
    step = saved = checkpoint.step;
  }
  clock.emplace(seconds);
  metrics.emplace(metrics_path(options.run), step);
}

void Trainer::Parts::train_step() {
  Variant& variant = variants[static_cast<size_t>(game.variant(step))];
  clock->start();
  for (const auto& [name, value] : game.scalars(step, calendar.total_steps()))
    variant.program->set_scalar(name, value);
  feed.fill(*variant.program, variant.inputs);
  variant.program->run(step);
  ++step;
  if (!variant.program->info().asynchronous || settle_due()) settle();
}

/// Whether the records are wanted now: a wait for a device after every step would leave it idle between them.
bool Trainer::Parts::settle_due() const {
  constexpr double glance = 0.25;  // seconds; what looks at the progress wants losses of about now
  return calendar.log_due(step) || calendar.sample_due(step) || calendar.checkpoint_due(step) ||
         calendar.evaluation_due(step) || clock->under_way() >= glance;
}

/// Waits for the steps under way and takes what they recorded.
void Trainer::Parts::settle() {
  std::vector<std::pair<StepRecord, const Program*>> records;
  for (const Variant& variant : variants)
    for (StepRecord& record : variant.program->drain())
      records.emplace_back(std::move(record), variant.program.get());
  clock->stop();
  std::ranges::sort(records, {}, [](const auto& entry) { return entry.first.step; });
  for (const auto& [record, program] : records) account(record, program->scalar_names());
}

void Trainer::Parts::account(const StepRecord& record, const std::vector<std::string>& names) {
  watch_numbers(names, record, game, *store, options.run.string());
  values.clear();
  losses.clear();
  for (size_t i = 0; i < names.size(); ++i) {
    values.emplace_back(names[i], record.values[i]);
    if (names[i].starts_with("loss_")) losses.push_back(values.back());
  }
}

void Trainer::Parts::after_step() {
  if (sampler && calendar.sample_due(step)) draw_grid();
  Metrics line;
  const bool evaluate = hooks.evaluate && calendar.evaluation_due(step);
  const bool logged = evaluate || calendar.log_due(step);
  const double images = static_cast<double>(batch) * game.draws(game.variant(step - 1));
  if (logged) {
    const double step_seconds = clock->line_step_seconds();
    line = {{"epoch", calendar.epoch(step)},
            {"seconds", clock->total()},
            {"images_per_s", step_seconds > 0 ? images / step_seconds : 0}};
    line.insert(line.end(), values.begin(), values.end());
    if (evaluate) {
      const Metrics scores = hooks.evaluate(self);
      line.insert(line.end(), scores.begin(), scores.end());
    }
    metrics->append(step, line);
  }
  if (calendar.checkpoint_due(step)) save();
  if (!hooks.step) return;
  StepEvent event{.losses = losses};
  event.step = step;
  event.total_steps = calendar.total_steps();
  event.epoch = calendar.epoch(step);
  event.total_epochs = calendar.epoch(calendar.total_steps());
  event.images_per_s = clock->step_seconds() > 0 ? images / clock->step_seconds() : 0;
  event.seconds_left = seconds_left();
  event.logged = logged;
  hooks.step(event);
}

double Trainer::Parts::seconds_left() const {
  if (clock->step_seconds() <= 0) return -1;
  return clock->step_seconds() * static_cast<double>(calendar.total_steps() - step);
}

void Trainer::Parts::draw_grid() {
  const fs::path path = grid_path(options.run, step);
  write_png(path, image_grid(sampler->images(0, config.integer("sample.count"))));
  if (hooks.sample) hooks.sample(path);
}

void Trainer::Parts::save() {
  settle();  // a checkpoint holds finite numbers only
  if (saved == step) return;
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.tensors = save_states(game, *store);
  const LoaderPosition position = feed.loader().position();
  checkpoint.metadata = {{"config", identity_of(config)},
                         {"data", feed.dataset().fingerprint()},
                         {"loader.epoch", std::to_string(position.epoch)},
                         {"loader.batch", std::to_string(position.batch)},
                         {"name", config.string("name")},
                         {"kernels", choices_text(choices)},
                         {"seconds", fmt::format("{}", clock->total())},
                         {"seed", std::to_string(seed)}};
  metrics->sync();
  const int64_t keep = config.integer("checkpoint.keep");
  const fs::path path = write_checkpoint(checkpoints_path(options.run), checkpoint,
                                         static_cast<int>(std::min<int64_t>(keep, 1 << 20)));
  saved = step;
  if (hooks.checkpoint) hooks.checkpoint(path);
}

Trainer::Trainer(const Config& config, TrainerOptions options, TrainerHooks hooks)
    : parts_(std::make_unique<Parts>(*this, config, std::move(options), std::move(hooks))) {}
Trainer::~Trainer() = default;

Trainer::Outcome Trainer::run(const std::atomic<bool>* stop) {
  Parts& p = *parts_;
  if (p.step == 0 && p.sampler) p.draw_grid();
  while (p.step < p.calendar.total_steps()) {
    p.train_step();
    p.after_step();
    if (stop && stop->load() && p.step < p.calendar.total_steps()) {
      p.save();
      return Outcome::stopped;
    }
  }
  return Outcome::finished;
}

const RunCost& Trainer::cost() const {
  return parts_->cost;
}
uint64_t Trainer::step() const {
  return parts_->step;
}
uint64_t Trainer::total_steps() const {
  return parts_->calendar.total_steps();
}
double Trainer::epoch() const {
  return parts_->calendar.epoch(parts_->step);
}
double Trainer::steps_per_epoch() const {
  return parts_->calendar.steps_per_epoch();
}
double Trainer::training_seconds() const {
  return parts_->clock->total();
}
std::string Trainer::data_text() const {
  return describe_data(parts_->config, parts_->feed.dataset());
}
const Config& Trainer::config() const {
  return parts_->config;
}
const Game& Trainer::game() const {
  return parts_->game;
}
Backend& Trainer::backend() {
  return *parts_->backend;
}
Store& Trainer::store() {
  return *parts_->store;
}

}  // namespace agon
