// Streams and the order in which their work is executed. Nothing runs at the call that asks for it: work
// waits in its stream until the host waits for something, and then a seed picks among all that a device might
// run next.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <variant>
#include <vector>

#include "cuda/simt/check/history.h"
#include "cuda/simt/device/graph_work.h"

namespace agon::simt {

// A point in the device's work: what an event records, what a stream has reached.
struct Moment {
  bool reached = false;
  Clock clock;      // what happened before it
  double time = 0;  // simulated seconds
};
using MomentPtr = std::shared_ptr<Moment>;

struct Capture;
struct GraphRun;

struct Stream {
  struct Item {
    std::vector<MomentPtr> after;  // beyond the stream's own order
    std::shared_ptr<const Clock> host;
    double host_time = 0;
    std::variant<std::monostate, Work, std::shared_ptr<GraphRun>> what;  // none: a mark
    MomentPtr done;
  };
  std::deque<Item> queue;
  MomentPtr tail;  // after all that was put in
  std::size_t chain = 0;
  bool blocking = true;  // ordered with the default stream
  int priority = 0;
  unsigned long long id = 0;
  std::shared_ptr<Capture> capture;      // the capture it takes part in
  std::vector<GraphNode*> capture_tail;  // what its next node would wait for
};

// A graph plan with what orders its launches.
struct GraphExec {
  std::shared_ptr<GraphPlan> plan;
  std::vector<std::size_t> chains;  // by path
  MomentPtr last;                   // end of its newest launch; launches of one exec never overlap
};

class Scheduler {
 public:
  // Executes one piece of work; returns the simulated seconds it takes.
  using Execute = std::function<double(const Work&)>;

  Scheduler(History& history, Execute execute, std::uint64_t seed);

  Stream& default_stream() { return *streams_.front(); }
  Stream* create_stream(bool blocking, int priority);
  // Work that is queued in it still runs.
  void destroy_stream(Stream* stream);
  bool owns(const Stream* stream) const;
  // All streams with the default one first, destroyed ones not among them.
  std::vector<Stream*> streams() const;

  std::unique_ptr<GraphExec> instantiate(std::shared_ptr<GraphPlan> plan);
  void retire(GraphExec& exec);

  void push(Stream& stream, Work work);
  void push(Stream& stream, GraphExec& exec);
  MomentPtr mark(Stream& stream);
  void wait(Stream& stream, MomentPtr moment);

  // Executes one piece of work that could run now. False: there is none.
  bool step();
  // Executes until the moment is reached; the host has then seen it.
  void finish(const MomentPtr& moment);
  void finish_all();
  // Drops all queued work, as after a fault. May be called by what is being executed.
  void abandon();

  // Starts an operation of the host itself, after all that the host knows of and before all that it asks for
  // from now on.
  void begin_host_operation();

  void reseed(std::uint64_t seed) { random_.seed(seed); }
  double host_time() const { return host_time_; }
  // The host is busy for so many simulated seconds.
  void spend(double seconds) { host_time_ += seconds; }
  // Notes that the host knows of the moment (it asked and was told so).
  void seen(const Moment& moment);

 private:
  struct Candidate {
    Stream* stream;
    std::size_t ready;  // of a graph: index in its ready list
  };
  Stream::Item& append(Stream& stream);
  std::vector<Candidate> candidates();
  void run_head(Stream& stream);
  void run_node(Stream& stream, std::size_t ready);
  void drop_all();
  void pop(Stream& stream, Clock clock, double time);
  std::size_t take_chain();
  static void begin(GraphRun& run, const Stream::Item& item);
  static Clock known(const Stream::Item& item);
  static double start_time(const Stream::Item& item);

  History& history_;
  Execute execute_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Stream>> streams_, destroyed_;
  std::vector<std::size_t> free_chains_;
  std::size_t chains_ = 1;  // the first one is the host's
  unsigned long long next_id_ = 1;
  std::shared_ptr<const Clock> host_clock_ = std::make_shared<Clock>();
  double host_time_ = 0;
  bool executing_ = false, abandoned_ = false;
};

}  // namespace agon::simt
