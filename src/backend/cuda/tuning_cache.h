#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "agon/log.h"

namespace agon::device {

/// Which implementation was fastest, by problem, on one kind of device with one version of the library: a
/// JSON file that all runs of a user share. A file that cannot be read is told on one line and begun afresh.
class TuningCache {
 public:
  /// `kind` names device and versions; entries of other kinds are kept but not seen. Without a file nothing
  /// is kept.
  TuningCache(std::filesystem::path file, std::string kind, const LogSink& log);

  std::optional<std::string> find(const std::string& problem) const;
  void put(const std::string& problem, const std::string& choice);
  /// Writes the file if anything was put, by a rename, so that readers never see half of it. Throws nothing:
  /// a cache that cannot be written is told on one line.
  void save();

 private:
  std::filesystem::path file_;
  std::string kind_;
  LogSink log_;
  std::map<std::string, std::map<std::string, std::string>> entries_;  ///< by kind, by problem
  bool changed_ = false;
};

}  // namespace agon::device
