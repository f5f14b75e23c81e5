#pragma once
#include <string>
#include <vector>

/// What the driver of standin/driver.cpp answers. It is a library of its own, so that no real driver's
/// functions are taken for its own or the other way round.
struct PlayedDriver {
  int version = 13000;
  int init_error = 0;  ///< CUresult of cuInit
  struct Device {
    std::string name;
    int major, minor;
  };
  std::vector<Device> devices;
};
extern "C" PlayedDriver played_driver;
