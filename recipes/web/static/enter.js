// The cookie is set by now. A navigation from this page itself carries it; the address with the secret leaves the history.
location.replace("/");
