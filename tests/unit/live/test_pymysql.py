"""What the driver of servers is told before a server is contacted."""

import ssl

from reconcile.live.pymysql import Unchecked


def test_no_authorities_are_loaded_where_no_certificate_is_checked() -> None:
    driver = Unchecked(defer_connect=True)

    assert driver.ctx.verify_mode is ssl.CERT_NONE
    assert driver.ctx.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}


def test_a_context_that_checks_is_used_as_it_is() -> None:
    context = ssl.create_default_context()

    assert Unchecked(defer_connect=True, ssl=context).ctx is context
