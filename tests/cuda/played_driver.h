#pragma once
#include <string>
#include <vector>

/// An NVIDIA driver played by the test program: it exports the driver's functions, which answer from here.
struct PlayedDriver {
  int version = 13000;
  int init_error = 0;  ///< CUresult of cuInit
  struct Device {
    std::string name;
    int major, minor;
  };
  std::vector<Device> devices;
};
extern PlayedDriver played_driver;
