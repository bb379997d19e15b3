#include "server.h"

static void serve(request *r)
{
    complain_request(r, "not here yet");
}

static const market_instrument instruments[] = {{"none", {NULL}, "", "", 1, 0, 1, 1000, 1, 10, 1}};

const protocol protocol_delta = {.name = "delta",
                                 .instruments = instruments,
                                 .n_instruments = 1,
                                 .serve = serve,
                                 .status_body = ""};
