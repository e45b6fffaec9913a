# cmake -DFILE=<plugin>.ttl -P lv2_optional_features.cmake: DPF requires options and a worker of the host; lv2_descriptor.cpp
# makes do without.
file(READ ${FILE} text)
set(required "lv2:requiredFeature opts:options ,\n[ ]*<http://lv2plug.in/ns/ext/urid#map> ,\n[ ]*<http://lv2plug.in/ns/ext/worker#schedule> ;")
if(NOT text MATCHES "${required}")
  message(FATAL_ERROR "${FILE}: not the required features that DPF 1.6 writes")
endif()
string(REGEX REPLACE "${required}" "lv2:optionalFeature opts:options ,
                        <http://lv2plug.in/ns/ext/worker#schedule> ;

    lv2:requiredFeature <http://lv2plug.in/ns/ext/urid#map> ;" text "${text}")
file(WRITE ${FILE} "${text}")
