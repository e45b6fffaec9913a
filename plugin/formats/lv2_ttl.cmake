# cmake -DFILE=<plugin>.ttl -P lv2_ttl.cmake: what DPF 1.6 writes about the plug-in, set right. Options and a worker are wished
# for, not required (lv2_descriptor.cpp makes do without); left out is what stands in no LV2 specification.
file(READ ${FILE} text)
function(must_replace pattern by)
  if(NOT text MATCHES "${pattern}")
    message(FATAL_ERROR "${FILE}: not what DPF 1.6 writes: no ${pattern}")
  endif()
  string(REGEX REPLACE "${pattern}" "${by}" text "${text}")
  set(text "${text}" PARENT_SCOPE)
endfunction()
must_replace("lv2:requiredFeature opts:options ,[ \n]*(<[^>]*urid#map>) ,[ \n]*(<[^>]*worker#schedule>) ;"
  "lv2:optionalFeature opts:options ,\n                        \\2 ;\n\n    lv2:requiredFeature \\1 ;")
must_replace(" ,[ \n]*<http://kxstudio[^>]*programs#Interface>" "")
must_replace("    mod:brand[^\n]*\n    mod:label[^\n]*\n\n" "")
file(WRITE ${FILE} "${text}")
