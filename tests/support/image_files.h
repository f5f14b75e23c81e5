#pragma once
#include <cstdio>
#include <filesystem>
#include <png.h>
#include <vector>
// clang-format off
#include <jpeglib.h>
// clang-format on

#include "catch.h"

/// Writes image files of kinds that Agon itself never writes, by the C libraries directly.
struct PngKind {
  int width, height, depth, colour_type;
  bool interlaced = false;
  std::vector<png_color> palette;
  std::vector<png_byte> transparency;  ///< of palette entries
};

/// `data`: packed rows as PNG stores them (16-bit samples big-endian).
inline void write_png_kind(const std::filesystem::path& path, const PngKind& kind,
                           std::vector<png_byte> data) {
  FILE* file = std::fopen(path.c_str(), "wb");
  REQUIRE(file);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, file);
  png_set_IHDR(png, info, static_cast<png_uint_32>(kind.width), static_cast<png_uint_32>(kind.height),
               kind.depth, kind.colour_type, kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!kind.palette.empty())
    png_set_PLTE(png, info, kind.palette.data(), static_cast<int>(kind.palette.size()));
  if (!kind.transparency.empty())
    png_set_tRNS(png, info, kind.transparency.data(), static_cast<int>(kind.transparency.size()), nullptr);
  png_write_info(png, info);
  const size_t stride = png_get_rowbytes(png, info);
  REQUIRE(data.size() == stride * static_cast<size_t>(kind.height));
  std::vector<png_bytep> rows;
  for (size_t y = 0; y < static_cast<size_t>(kind.height); ++y) rows.push_back(&data[y * stride]);
  png_write_image(png, rows.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

/// Quality 100, no chroma subsampling.
inline void write_jpeg(const std::filesystem::path& path, int height, int width, J_COLOR_SPACE space,
                       std::vector<JSAMPLE> data) {
  FILE* file = std::fopen(path.c_str(), "wb");
  REQUIRE(file);
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_stdio_dest(&jpeg, file);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.input_components = space == JCS_GRAYSCALE ? 1 : space == JCS_CMYK ? 4 : 3;
  jpeg.in_color_space = space;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  for (int c = 0; c < jpeg.num_components; ++c)
    jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
  jpeg_start_compress(&jpeg, TRUE);
  const auto stride = static_cast<size_t>(width * jpeg.input_components);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = &data[jpeg.next_scanline * stride];
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::fclose(file);
}
