# cmake -DGENERATOR=<lv2_ttl_generator> -DPLUGIN=<file> -DURI=<uri> -P lv2_ttl.cmake: has DPF 1.6 write what describes the plug-in
# beside it, and sets it right. Options and a worker are wished for, not required (lv2_descriptor.cpp makes do without); left
# out is what stands in no LV2 specification; presets name each state by its own key (DPF asks for the hints of the wrong one,
# hence also the assertions that ERROR_QUIET hides).
get_filename_component(folder ${PLUGIN} DIRECTORY)
get_filename_component(name ${PLUGIN} NAME_WLE)
execute_process(COMMAND ${GENERATOR} ${PLUGIN} WORKING_DIRECTORY ${folder} RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
if(failed OR NOT EXISTS ${folder}/${name}.ttl)
  message(FATAL_ERROR "${GENERATOR} ${PLUGIN}: ${failed}")
endif()

function(must_replace pattern by)
  if(NOT text MATCHES "${pattern}")
    message(FATAL_ERROR "${name}.ttl: not what DPF 1.6 writes: no ${pattern}")
  endif()
  string(REGEX REPLACE "${pattern}" "${by}" text "${text}")
  set(text "${text}" PARENT_SCOPE)
endfunction()
file(READ ${folder}/${name}.ttl text)
must_replace("lv2:requiredFeature opts:options ,[ \n]*(<[^>]*urid#map>) ,[ \n]*(<[^>]*worker#schedule>) ;"
  "lv2:optionalFeature opts:options ,\n                        \\2 ;\n\n    lv2:requiredFeature \\1 ;")
must_replace(" ,[ \n]*<http://kxstudio[^>]*programs#Interface>" "")
must_replace("    mod:brand[^\n]*\n    mod:label[^\n]*\n\n" "")
file(WRITE ${folder}/${name}.ttl "${text}")

file(READ ${folder}/presets.ttl text)
string(REPLACE "<urn:distrho:" "<${URI}#" text "${text}")
file(WRITE ${folder}/presets.ttl "${text}")
