# One interface target with what every target of ours is compiled with.
add_library(gk_options INTERFACE)
target_include_directories(gk_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(gk_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-qual -Woverloaded-virtual -Wimplicit-fallthrough -fstack-protector-strong
  # Aggregates are built with designated initializers; what is not named has its default.
  -Wno-missing-field-initializers
  $<$<BOOL:${GRACEKEEPER_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives here inside std::variant and tl::expected at -O2.
  target_compile_options(gk_options INTERFACE -Wno-maybe-uninitialized)
endif()
if(GRACEKEEPER_SANITIZE)
  target_compile_options(gk_options INTERFACE -fsanitize=${GRACEKEEPER_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(gk_options INTERFACE -fsanitize=${GRACEKEEPER_SANITIZE})
else()
  target_compile_definitions(gk_options INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
  target_link_options(gk_options INTERFACE -Wl,-z,relro,-z,now)
endif()

if(GRACEKEEPER_FUZZERS)
  # What libFuzzer steers by: the branches that are taken and, beside the sanitizers, what is compared, which
  # finds words and numbers but halves the speed of the fuzzers that make their inputs from a grammar.
  if(GRACEKEEPER_SANITIZE)
    set(steering -fsanitize=fuzzer-no-link)
  else()
    set(steering -fsanitize-coverage=inline-8bit-counters,pc-table)
  endif()
  target_compile_options(gk_options INTERFACE -fno-omit-frame-pointer -g1 ${steering})
  # The checks of the standard library cost little and see what a sanitizer of addresses does not: an index
  # past the size but within the capacity.
  target_compile_definitions(gk_options INTERFACE _GLIBCXX_ASSERTIONS)
endif()

# gk_library(NAME SOURCES... LIBRARIES...): one folder of src/ as one static library.
function(gk_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC gk_options ${ARG_LIBRARIES} PRIVATE ${ARG_PRIVATE})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()
