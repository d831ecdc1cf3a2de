//! Bad days: Azure answers with errors, rubbish, half an answer or nothing.
