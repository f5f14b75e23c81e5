# Compiles the TOML files of src/presets into the binary: one raw string literal each, in
# `agon::presets::embedded`, so that an installed `agon` needs no data files.
function(embed_presets output)
  set(entries "")
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND entries "    {\"${name}\", R\"__toml__(${text})__toml__\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
       "#include \"presets/presets.h\"\n\nnamespace agon::presets {\nconst std::vector<Embedded>& embedded() {\n  static const std::vector<Embedded> all = {\n@entries@  };\n  return all;\n}\n}  // namespace agon::presets\n")
endfunction()
