"""REST made from contracts: routes, validation and OpenAPI, from descriptors and their options alone.

contract    what the .proto files say: methods, policies, REST rules
encode      message → JSON-able values, compiled once a message type
decode      JSON values → message, compiled once a message type
validate    Pydantic validators from the field options
endpoint    one raw ASGI endpoint a method
publish     all of it on a FastAPI application
openapi     the OpenAPI 3.1 document
"""
